"""``make gpu-check``: the real models end to end, for whoever has the hardware. Downloads what it lacks.

python -m benchmarks.gpu_check [PRESET ...]      (default: sdxl omnigen flux)
"""

import sys
import tempfile
import time
from typing import Any

import torch

from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.generators.registry import load_generator
from imagerag.graphs import Settings, build_graph

PRESETS = ("sdxl", "omnigen", "flux")
PROMPTS = ("a lobster in a kimono", "a pangolin next to a lighthouse", "an axolotl on a bicycle")
"""Each with something that the library knows and a model may not."""


def main(presets: list[str]) -> int:
    """Run every prompt through the whole loop with every preset, and print one table; 1 if any could not be run."""
    rows, failed = [], 0
    for preset in presets:
        try:
            rows += _runs(preset)
        except UserError as error:
            failed = 1
            print(f"{preset}: {error}", file=sys.stderr)
        load_generator.cache_clear()
    columns = (
        "preset",
        "memory mode",
        "load s",
        "prompt",
        "draw s",
        "run s",
        "images",
        "first",
        "best",
        "stop",
        "peak GB",
    )
    print(" | ".join(columns))
    print(" | ".join("-" * len(name) for name in columns))
    for row in rows:
        print(" | ".join(str(value) for value in row))
    return failed


def _runs(preset: str) -> list[tuple[Any, ...]]:
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    generator: Any = load_generator(preset, DeviceSettings())
    loaded = time.perf_counter() - began
    graph, rows = build_graph(generator=generator), []
    with tempfile.TemporaryDirectory() as home:
        for number, prompt in enumerate(PROMPTS):
            began = time.perf_counter()
            settings = Settings(home=home, generator=preset, seed=7, max_generations=3, max_seconds=3600)
            result = graph.invoke({"prompt": prompt}, {"configurable": {"thread_id": str(number)}}, context=settings)
            whole = time.perf_counter() - began
            images = result["images"]
            drawing = sum(step["seconds"] for step in result["trace"] if "generate" in step["name"])
            peak = f"{torch.cuda.max_memory_allocated() / 1e9:.1f}" if cuda else "not measured"
            first = images[0]["score"] if images else None
            best = result["verdict"]["score"] if result["verdict"] else None
            rows.append(
                (
                    preset,
                    generator.memory,
                    f"{loaded:.0f}",
                    prompt,
                    f"{drawing / max(len(images), 1):.1f}",
                    f"{whole:.1f}",
                    len(images),
                    _score(first),
                    _score(best),
                    result["stop_reason"],
                    peak,
                )
            )
    return rows


def _score(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(PRESETS)))
