"""What local generators add to diffusers: memory for two ways of drawing, encoder calls, our own time around a call.

All on a tiny SDXL with an IP-Adapter (plus), random weights, built and saved here: what is measured is this program,
not the model. Run: python -m benchmarks.generators
"""

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from imagerag.generators.base import DrawControl, DrawRequest, Reference
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.presets import Adapter, Preset

STEPS = 20
PAIRS = 15
"""Pairs of calls, ours and the bare one, one right after the other, in turns."""
REFERENCES = tuple(Reference(Image.new("RGB", (64, 48), colour), colour) for colour in ("red", "blue"))


def main() -> None:
    """Print every figure."""
    from testing import tiny_models as tiny

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        tiny.save_sdxl(root / "model", channels=64)
        file = tiny.save_adapter(root / "adapter", tiny.unet_of(root / "model"), plus=True)
        where = str(root / "adapter")
        adapter = Adapter(model=where, file=file.name, encoder=where, encoder_subfolder="image_encoder")
        preset = Preset(
            name="tiny-sdxl", model=str(root / "model"), family="ip-adapter", adapter=adapter, steps=STEPS, width=64,
            height=64, max_references=4, guidance=5.0,
        )  # fmt: skip
        generator = DiffusionGenerator(preset)
        _memory(generator)
        _encoder_calls(generator)
        _own_time(generator, root)


def _memory(generator: DiffusionGenerator) -> None:
    """Bytes of all tensors alive after both ways of drawing, against those of the one pipeline."""
    pipeline_bytes = _bytes(tensor for part in _modules(generator.pipeline) for tensor in part.state_dict().values())
    generator.draw(DrawRequest("an owl", (1,)))
    generator.draw(DrawRequest("an owl", (1,), REFERENCES, 0.5))
    gc.collect()
    alive = _bytes(thing for thing in gc.get_objects() if isinstance(thing, torch.Tensor))
    print(
        f"base and reference drawing together: {alive / 1e6:.1f} MB of tensors, {alive / pipeline_bytes:.3f} x the "
        f"weights of one pipeline ({pipeline_bytes / 1e6:.1f} MB); wanted <= 1.05 x"
    )


def _encoder_calls(generator: DiffusionGenerator) -> None:
    calls: list[int] = []
    generator._loaded.family._known.clear()
    hook = generator.pipeline.image_encoder.register_forward_hook(lambda *_: calls.append(1))
    generator.draw(DrawRequest("an owl", (1,), REFERENCES, 0.5))
    first = len(calls)
    generator.draw(DrawRequest("an owl, again", (2,), REFERENCES, 0.7))
    hook.remove()
    print(f"image encoder calls: first redraw {first}, second with the same references {len(calls) - first}; wanted 0")


def _own_time(generator: DiffusionGenerator, root: Path) -> None:
    from diffusers import StableDiffusionXLPipeline

    factory: Any = StableDiffusionXLPipeline
    bare = factory.from_pretrained(root / "model", use_safetensors=True)
    bare.set_progress_bar_config(disable=True)
    bare.vae.enable_slicing()
    bare.vae.enable_tiling()

    def our_call(seed: int) -> None:
        generator.draw(DrawRequest("an owl", (seed,)), DrawControl(lambda: None, lambda done, total: None))

    # Ours draws through attention that could look at references, the bare one doesn't: the part of the difference that
    # is not that, but this program's own, is what the call costs beside the pipeline's.
    inner: Any = generator.pipeline
    names = ("ip_adapter_image_embeds",)
    arguments = {name: generator._loaded.family.arguments(DrawRequest("an owl", (1,)))[name] for name in names}

    def by_itself(pipeline: Any, seed: int, **more: Any) -> None:
        generator = torch.Generator().manual_seed(seed)
        size = {"width": 64, "height": 64}
        pipeline("an owl", num_inference_steps=STEPS, guidance_scale=5.0, generator=generator, **size, **more)

    calls: dict[str, Callable[[int], None]] = {
        "ours": our_call,
        "same pipeline, bare": lambda seed: by_itself(inner, seed, **arguments),
        "pipeline without adapter": lambda seed: by_itself(bare, seed),
    }
    # Other processes take the clock on the wall further, and this one's own processor time not.
    clocks = {"passed": time.perf_counter, "processor": time.process_time}
    times: dict[str, dict[str, list[float]]] = {clock: {name: [] for name in calls} for clock in clocks}
    for seed in range(PAIRS + 1):
        for name, call in calls.items():
            began = {clock: now() for clock, now in clocks.items()}
            call(seed)
            for clock, now in clocks.items() if seed else ():  # the first warms up
                times[clock][name].append(now() - began[clock])
    for clock, measured in times.items():
        medians = {name: statistics.median(values) for name, values in measured.items()}
        ratios = [ours / base for ours, base in zip(measured["ours"], measured["same pipeline, bare"], strict=True)]
        own = statistics.median(ratios) - 1
        told = ", ".join(f"{name} {1000 * value:.1f} ms" for name, value in medians.items())
        print(
            f"one drawing at {STEPS} steps, time {clock}: {told}; own time {100 * own:+.2f} % (median of pairs); "
            "wanted <= 1 %"
        )


def _modules(pipeline: Any) -> list[torch.nn.Module]:
    return [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]


def _bytes(tensors: Any) -> int:
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())


if __name__ == "__main__":
    main()
