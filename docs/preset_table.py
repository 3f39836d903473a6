"""Prints the table of presets in docs/models.md: python -m docs.preset_table"""

from imagerag.generators.diffusion.presets import Preset, load_presets
from imagerag.generators.diffusion.weight_sizes import device_bytes, host_bytes


def main() -> None:
    """Print one row per preset. All memory is computed from the weights' published sizes, none measured."""
    print("| `--generator` | model | references | `full` | `offload` | host | `4bit` | host | licence |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, preset in load_presets({}).items():
        takes = "none" if preset.family == "text" else f"{preset.family}, {preset.max_references}"
        print(f"| `{name}` | {preset.model} | {takes} | {' | '.join(_memory(preset))} | {preset.licence} |")


def _memory(preset: Preset) -> list[str]:
    """Return what lies on the device in each mode, and, where weights wait there, on the host."""
    sizes = {name: 2e9 * size for name, size in preset.weights.items()}
    cells = [_gb(device_bytes(sizes, "full"))]
    for mode in ("offload", "4bit"):
        cells += [_gb(device_bytes(sizes, mode)), _gb(host_bytes(sizes, mode))]
    return cells


def _gb(size: float | None) -> str:
    return f"{(size or 0.0) / 1e9:.1f} GB"


if __name__ == "__main__":
    main()
