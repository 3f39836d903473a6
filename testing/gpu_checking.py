"""``make gpu-check``: every preset in every memory mode on this machine's GPU, measured beside what was computed.

    python -m benchmarks.gpu_check [PRESET ...]                    # real weights; downloads what it lacks
    python -m benchmarks.gpu_check --random-weights [PRESET ...]   # true sizes, random weights, no download

With random weights it measures memory, steps a second, the cost of references, how soon a drawing stops and what
imagerag's call costs beside the pipeline's; with real weights it runs prompts through the whole loop besides. Each row
is one preset in one mode. A row that runs out of memory is told as that, and the next begins with an empty device.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.devices import choose_device, choose_dtype
from imagerag.errors import UserError
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.families import FAMILIES
from imagerag.generators.diffusion.loading import Loaded, preset_of, spare
from imagerag.generators.diffusion.memory import place
from imagerag.generators.diffusion.presets import Preset, load_presets
from imagerag.generators.diffusion.quantisation import has_4bit
from imagerag.generators.diffusion.weight_sizes import WORKING_BYTES, device_bytes
from imagerag.graphs import Settings, build_graph
from testing.gpu_embedding import print_rows
from testing.gpu_rows import Row, as_json, free_everything, measured, surviving
from testing.random_weights import published, random_pipeline

PROMPTS = ("a lobster in a kimono", "a pangolin next to a lighthouse", "an axolotl on a bicycle")
"""Each with something that the library knows and a model may not."""

MODES: tuple[Memory, ...] = ("full", "offload", "4bit", "sequential")
"""In this order: hooks of ``sequential`` stay on a pipeline once it was placed so."""

COLUMNS = (
    "preset", "mode", "state", "computed_gb", "peak_gb", "off_percent", "placing_s", "draw_s", "steps_per_s",
    "references", "references_peak_gb", "references_steps_per_s", "effect", "stop_s", "own_percent", "picture",
)  # fmt: skip


def check_presets(arguments: list[str]) -> int:
    """Measure every row, print one table, and return 1 if any row could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", metavar="PRESET", help="all of them, if none is named")
    parser.add_argument("--random-weights", action="store_true", help="true sizes, no download")
    parser.add_argument("--modes", default=",".join(MODES), help="memory modes, with commas (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="denoising steps of each drawing; the preset's own if not given")
    parser.add_argument("--out", type=Path, default=Path("gpu-check"), help="folder for images and rows.json")
    given = parser.parse_args(arguments)
    wrong = [mode for mode in given.modes.split(",") if mode not in MODES]
    if wrong:
        parser.error(f"memory mode {wrong[0]!r}; valid: {', '.join(MODES)}")
    device = choose_device(DeviceSettings())
    print(f"{_device_name(device)}, torch {torch.__version__}, {datetime.now(UTC):%Y-%m-%d}")
    way = _with_random_weights if given.random_weights else _with_real_weights
    rows: list[Row] = []
    for name in given.presets or list(load_presets()):
        try:
            preset = preset_of(name)
        except UserError as error:
            rows.append(Row(name, "", str(error)))
            continue
        if given.steps:
            preset = preset.model_copy(update={"steps": given.steps})
        for row in way(preset, given.modes.split(","), given.out):
            rows.append(row)
            print(f"{row.preset} {row.mode}: {row.state}", file=sys.stderr, flush=True)
            given.out.mkdir(parents=True, exist_ok=True)
            (given.out / "rows.json").write_text(json.dumps([as_json(row) for row in rows], indent=1))
        free_everything()  # before the next preset is made
    print(" | ".join(COLUMNS))
    print(" | ".join("-" * len(name) for name in COLUMNS))
    for row in rows:
        print(" | ".join(_shown(as_json(row)[name]) for name in COLUMNS))
    print()
    print_rows(device)
    if not given.random_weights:
        _loops(given.presets or ["sdxl", "omnigen", "flux"])
    for row in rows:
        for what in _wrong(row):
            print(f"{row.preset} {row.mode}: {what}", file=sys.stderr)
    return int(any(next(_wrong(row), None) for row in rows))


def _wrong(row: Row) -> Iterator[str]:
    """Yield what is wrong with a row; that memory ran out is a measurement."""
    if row.state not in ("ok", "out of memory"):
        yield row.state
    if row.picture not in ("", "ok"):
        yield f"the picture is {row.picture}"
    if row.effect == 0:
        yield "references change nothing"


def _with_random_weights(preset: Preset, modes: list[Memory], out: Path) -> Iterator[Row]:
    """Yield a row per mode of one pipeline, made once and placed anew for each; for 4 bits it is saved and loaded."""
    device = choose_device(DeviceSettings())
    dtype = choose_dtype(DeviceSettings(), device)
    if preset.name not in published()["model"]:
        yield Row(preset.name, "", "its configuration is not in testing/published_models.toml")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        try:
            pipeline, preset = _random(preset, root, device, dtype)
        except Exception as error:  # one preset that can't be built must not cost the others their rows
            yield Row(preset.name, "", f"can't be built: {type(error).__name__}: {error}"[:160])
            return
        for mode in modes:
            row = Row(preset.name, mode, computed_gb=_computed_gb(preset, mode))
            if mode == "4bit":
                yield surviving(row, lambda row: _in_4bit(row, preset, pipeline, root / "saved", out))
            else:
                yield surviving(row, lambda row: _placed(row, preset, pipeline, device, dtype, out))


def _random(preset: Preset, root: Path, device: torch.device, dtype: torch.dtype) -> tuple[Any, Preset]:
    from testing.family_requests import SAVED

    tiny = SAVED[preset.name](root / "tiny")
    pipeline, preset = random_pipeline(preset, tiny, root / "adapter", device, dtype)
    if preset.adapter is not None:
        FAMILIES[preset.family](pipeline, preset).prepare()
    return pipeline, preset


def _placed(
    row: Row, preset: Preset, pipeline: Any, device: torch.device, dtype: torch.dtype, out: Path
) -> Iterator[Row]:  # fmt: skip
    family: Any = FAMILIES[preset.family](pipeline, preset)
    if preset.adapter is None:
        family.prepare()
    mode: Any = row.mode
    began = time.perf_counter()
    spare(pipeline, family)
    place(pipeline, device, mode)
    loaded = Loaded(pipeline, family, device, dtype, mode, "")
    row = replace(row, placing_s=time.perf_counter() - began)
    try:
        yield from measured(row, DiffusionGenerator(preset, loaded=loaded), out)
    finally:
        pipeline.remove_all_hooks()
        pipeline.to("cpu")


def _in_4bit(row: Row, preset: Preset, pipeline: Any, folder: Path, out: Path) -> Iterator[Row]:
    """Save the pipeline and load it as any checkpoint is, since weights are quantised while they are loaded."""
    if not torch.cuda.is_available() or not has_4bit():
        yield replace(row, state="no GPU with bitsandbytes here")
        return
    weights = {name: part for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)}
    wanted = sum(tensor.nbytes for part in weights.values() for tensor in part.parameters())
    free = shutil.disk_usage(folder.parent).free
    if wanted > free:
        yield replace(row, state=f"needs {wanted / 1e9:.0f} GB of disk for the checkpoint, {free / 1e9:.0f} are free")
        return
    unload = getattr(pipeline, "unload_ip_adapter", None)
    if preset.adapter is not None and unload is not None:
        unload()
    pipeline.save_pretrained(folder)
    try:
        own = preset.model_copy(update={"model": str(folder), "variant": None, "revision": None})
        began = time.perf_counter()
        generator = DiffusionGenerator(own, DeviceSettings(memory="4bit"))
        yield from measured(replace(row, placing_s=time.perf_counter() - began), generator, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_real_weights(preset: Preset, modes: list[Memory], out: Path) -> Iterator[Row]:
    """Yield a row per mode, each loaded as a run loads it."""

    def loaded(row: Row) -> Iterator[Row]:
        began = time.perf_counter()
        generator = DiffusionGenerator(preset, DeviceSettings(memory=mode))
        yield from measured(replace(row, placing_s=time.perf_counter() - began), generator, out)

    for mode in modes:
        yield surviving(Row(preset.name, mode, computed_gb=_computed_gb(preset, mode)), loaded)


def _computed_gb(preset: Preset, mode: Memory) -> float | None:
    """Return what imagerag expects on the device, in 10^9 bytes, with the room it leaves to draw in."""
    taken = device_bytes({name: 2e9 * size for name, size in preset.weights.items()}, mode)
    return (taken + WORKING_BYTES) / 1e9 if taken else None


def _loops(presets: list[str]) -> None:
    """Run every prompt through the whole loop with every preset, and print one table."""
    print()
    columns = ("preset", "memory mode", "prompt", "draw s", "run s", "images", "first", "best", "stop")
    print(" | ".join(columns))
    print(" | ".join("-" * len(name) for name in columns))
    for name in presets:
        try:
            with tempfile.TemporaryDirectory() as home:
                for row in _runs(name, home):
                    print(" | ".join(row), flush=True)
        except UserError as error:
            print(f"{name}: {error}", file=sys.stderr)
        free_everything()


def _runs(preset: str, home: str) -> Iterator[tuple[str, ...]]:
    generator = DiffusionGenerator(preset_of(preset))
    graph = build_graph(generator=generator)
    for number, prompt in enumerate(PROMPTS):
        began = time.perf_counter()
        settings = Settings(home=home, generator=preset, seed=7, max_generations=3, max_seconds=3600)
        result = graph.invoke({"prompt": prompt}, {"configurable": {"thread_id": str(number)}}, context=settings)
        whole = time.perf_counter() - began
        images = result["images"]
        drawing = sum(step["seconds"] for step in result["trace"] if "generate" in step["name"])
        first = images[0]["score"] if images else None
        best = result["verdict"]["score"] if result["verdict"] else None
        yield (
            preset, generator.memory, prompt, f"{drawing / max(len(images), 1):.1f}", f"{whole:.1f}",
            str(len(images)), _shown(first), _shown(best), str(result["stop_reason"]),
        )  # fmt: skip


def _device_name(device: torch.device) -> str:
    if device.type != "cuda":
        return f"{device.type}, where memory is not measured"
    free, whole = torch.cuda.mem_get_info(device)
    return f"{torch.cuda.get_device_name(device)}, {free / 1e9:.1f} of {whole / 1e9:.1f} GB free"


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
