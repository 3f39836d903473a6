"""How a pipeline is called: what a preset asks for, under the names that the pipeline's own signature has for it."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.recipes import no_contrast

IDEOGRAM: tuple[tuple[int, int, float, float], ...] = ((48, 3, 0.0, 1.5), (20, 2, 0.0, 1.75), (0, 1, 0.5, 1.75))
"""Of Ideogram 4's makers' presets the steps, how many of them are the last with less guidance, and mean and spread of
the noise schedule (``mu``, ``std``): the first with no more steps counts. ``V4_QUALITY_48``, ``V4_DEFAULT_20`` and
``V4_TURBO_12`` of https://github.com/ideogram-oss/ideogram4, docs/inference.md."""
POLISHING = 3.0
"""The guidance of those last steps."""

REFERENCE_SIDE = 1024
"""Pixels of the side to which Qwen-Image 2.1 scales references, at most: its pipeline's default."""

AfterStep = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]
"""What diffusers calls ``callback_on_step_end``: with the pipeline, the step counted from 0, its time, and tensors."""


def call_arguments(pipeline: Any, preset: Preset, width: int, height: int, negative: str = "") -> dict[str, Any]:
    """Return size, steps, guidance, negative prompt and the like, as far as the pipeline takes them.

    Args:
        pipeline: of diffusers.
        preset: how it is asked.
        width, height: pixels to draw.
        negative: what the picture must not show, besides what the preset keeps out.
    """
    takes = _parameters(pipeline)
    asked: dict[str, Any] = {"width": width, "height": height, "num_inference_steps": preset.steps}
    asked |= {"max_area": width * height}  # FLUX.1 Kontext would scale any size to its own idea of an area
    asked |= {"output_resolution": min(round((width * height) ** 0.5), REFERENCE_SIDE)}
    # The agent words the prompt, and what the model was told is recorded: no pipeline rewrites it (LongCat, Ernie).
    asked |= {"enable_prompt_rewrite": False, "use_pe": False}
    # Some (PixArt, Sana, PRX) would draw at a size of their own list, and scale and crop that without a word.
    asked |= {"use_resolution_binning": False}
    asked |= _guidance(takes, preset)
    asked |= _scheduled_guidance(preset) if "guidance_schedule" in takes else {}
    if preset.negative_prompt or negative:
        kept_out = (preset.negative_prompt if preset.negative_prompt.strip() or not negative else "", negative)
        asked["negative_prompt"] = ", ".join(filter(None, kept_out))
    if preset.sigmas:
        asked["sigmas"] = list(preset.sigmas)
    if preset.prompt_tokens is not None:
        asked["max_sequence_length"] = preset.prompt_tokens
    return {name: value for name, value in asked.items() if name in takes}


def takes_negatives(pipeline: Any, preset: Preset) -> bool:
    """Tell whether a negative prompt counts: the pipeline takes one, and is guided away from it.

    A distilled model's guidance is a number that it was trained with, and a guidance of 1 or less guides nowhere (with
    some classes: of 0).
    """
    takes = _parameters(pipeline)
    if "negative_prompt" not in takes or reads_guidance(pipeline):
        return False
    guider = getattr(pipeline, "guider", None)
    if guider is not None:  # HunyuanImage 2.1, whose guidance is a part of its own; the distilled one has none
        return bool(guider._enabled) and float(getattr(guider, "guidance_scale", 0.0)) > 1.0
    by_contrast = "true_cfg_scale" if "true_cfg_scale" in takes else "guidance_scale"
    guidance = _guidance(takes, preset).get(by_contrast, 0.0)
    return by_contrast in takes and guidance > no_contrast(type(pipeline).__name__)


def reads_guidance(pipeline: Any) -> bool:
    """Tell whether a UNet was taught to read the guidance (latent consistency): its pipeline compares nothing then."""
    config = getattr(getattr(pipeline, "unet", None), "config", None)
    return getattr(config, "time_cond_proj_dim", None) is not None


def _guidance(takes: Mapping[str, inspect.Parameter], preset: Preset) -> dict[str, float]:
    """Return guidance under its name: pipelines of Qwen-Image have a ``guidance_scale``, too, for no model yet."""
    if not preset.true_cfg and "guidance_scale" in takes and takes["guidance_scale"].default is not None:
        return {"guidance_scale": preset.guidance}
    return {"true_cfg_scale": preset.guidance, "distilled_guidance_scale": preset.guidance}


def _scheduled_guidance(preset: Preset) -> dict[str, Any]:
    """Return guidance for each step, as Ideogram 4 takes it; the same at each where it is drawn without contrast."""
    if preset.guidance <= 1:
        return {"guidance_scale": 1.0, "guidance_schedule": None}
    _, last, mean, spread = next(row for row in IDEOGRAM if preset.steps >= row[0])
    last = min(last, preset.steps)
    schedule = [preset.guidance] * (preset.steps - last) + [min(POLISHING, preset.guidance)] * last
    return {"guidance_scale": None, "guidance_schedule": schedule, "mu": mean, "std": spread}


@contextmanager
def steps_watched(pipeline: Any, after_step: AfterStep) -> Iterator[dict[str, Any]]:
    """Have ``after_step`` called after each step; yield what the pipeline has to be given for that.

    Pipelines that take no such callback (LongCat-Image, PixArt) are watched by their scheduler's steps.
    """
    scheduler: Any = getattr(pipeline, "scheduler", None)
    if "callback_on_step_end" in _parameters(pipeline) or not hasattr(scheduler, "step"):
        yield {"callback_on_step_end": after_step} if "callback_on_step_end" in _parameters(pipeline) else {}
        return
    step = scheduler.step
    count = itertools.count()

    @functools.wraps(step)  # pipelines look up what the step takes
    def watched(*arguments: Any, **options: Any) -> Any:
        done = step(*arguments, **options)
        latents = done[0] if isinstance(done, tuple) else done.prev_sample
        after_step(pipeline, next(count), None, {"latents": latents})
        return done

    scheduler.step = watched
    try:
        yield {}
    finally:
        del scheduler.step


def _parameters(pipeline: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(pipeline.__call__).parameters
