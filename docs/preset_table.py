"""Prints the table of presets in docs/models.md: python -m docs.preset_table"""

from imagerag.generators.diffusion.presets import Preset, load_presets


def main() -> None:
    """Print one row per preset. All memory is computed from the weights' published sizes, none measured."""
    print("| `--generator` | model | references | `full` | `offload` | `4bit` | licence |")
    print("|---|---|---|---|---|---|---|")
    for name, preset in load_presets({}).items():
        takes = "none" if preset.family == "text" else f"{preset.family}, {preset.max_references}"
        print(
            f"| `{name}` | {preset.model} | {takes} | {_gb(sum(preset.weights.values()) * 2)} | "
            f"{_gb(max(preset.weights.values()) * 2)} | {_gb(_quantised(preset))} | {preset.licence} |"
        )


def _quantised(preset: Preset) -> float:
    """Half a byte a parameter for the largest part, which is what lies on the device at a time."""
    return max(preset.weights.values()) * 0.5


def _gb(size: float) -> str:
    return f"{size:.1f} GB"


if __name__ == "__main__":
    main()
