"""A part of an image drawn anew by a pipeline of diffusers: its inpainting class, over the same weights."""

from __future__ import annotations

import inspect
from typing import Any

from PIL import Image

from imagerag.generators.base import Redraw
from imagerag.generators.diffusion.prompt_cache import remember_prompts


def inpainting_class(pipeline: Any) -> Any:
    """Return the class that redraws parts with the weights of a pipeline; ``None`` where diffusers has none."""
    from diffusers.pipelines.auto_pipeline import AUTO_INPAINT_PIPELINES_MAPPING, _get_task_class

    found: Any = _get_task_class(AUTO_INPAINT_PIPELINES_MAPPING, type(pipeline).__name__, False)
    if found is None or "mask_image" not in inspect.signature(found.__call__).parameters:
        return None
    needs = {name for name in found._get_signature_types() if name not in found._optional_components}
    return found if needs <= pipeline.components.keys() | _with_default(found) else None


def _with_default(pipeline_class: Any) -> set[str]:
    parameters = inspect.signature(pipeline_class.__init__).parameters
    return {name for name, one in parameters.items() if one.default is not one.empty}


KEPT = "_redraws_parts"
"""Attribute of a pipeline: the one that redraws parts with its weights."""


def inpainting_pipeline(pipeline: Any) -> Any:
    """Return the pipeline that redraws parts with the weights of another one; they are not loaded again.

    It is kept with the other one, as long as that has the same parts, so that the same words are encoded once.
    """
    made = inpainting_class(pipeline)
    wanted = made._get_signature_types()
    parts = {name: part for name, part in pipeline.components.items() if name in wanted}
    kept = getattr(pipeline, KEPT, None)
    if kept is not None and all(kept.components.get(name) is part for name, part in parts.items()):
        return kept
    redraws = made(**parts)
    redraws.set_progress_bar_config(disable=True)
    remember_prompts(redraws)
    setattr(pipeline, KEPT, redraws)
    return redraws


def inpainting_arguments(pipeline: Any, redraw: Redraw, size: tuple[int, int]) -> dict[str, Any]:
    """Return the image and its mask, as the pipeline takes them, at the size of the drawing.

    The marked part is drawn from noise alone (``strength`` 1): what was there is not to show through.
    """
    arguments: dict[str, Any] = {
        "image": redraw.image.convert("RGB").resize(size, Image.Resampling.LANCZOS),
        "mask_image": redraw.mask.resize(size, Image.Resampling.NEAREST),
    }
    if "strength" in inspect.signature(pipeline.__call__).parameters:
        arguments["strength"] = 1.0
    return arguments


def with_references(pipeline: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return those of a family's arguments for references that an inpainting pipeline takes, too."""
    takes = inspect.signature(pipeline.__call__).parameters
    return {name: value for name, value in given.items() if name in takes and name not in ("image", "mask_image")}
