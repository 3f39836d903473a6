"""Which class of diffusers draws a checkpoint, and what a class without a recipe advises for itself."""

from __future__ import annotations

import inspect
from typing import Any

from imagerag.errors import UserError
from imagerag.generators.diffusion.edit import EDITORS
from imagerag.generators.diffusion.other_models import INPAINTING, INSTRUCTED, SOUND, VIDEO, kind_of_class, refused
from imagerag.generators.diffusion.presets import Preset

IMAGES = frozenset({"image", "images", "mask_image", "control_image", "image_embeds", "conditions"})
"""Parameters of a pipeline that is given an image."""

TAUGHT_GUIDANCE = frozenset({"SanaSprintPipeline", "LatentConsistencyModelPipeline"})
"""Pipelines without a recipe whose denoiser takes the strength of guidance as an input."""

FROM_WORDS_TOO = frozenset({"BriaFibo2Pipeline", "DreamLitePipeline", "DreamLiteMobilePipeline"})
"""Pipelines that take an image and draw without one, which diffusers doesn't list among those from text to image."""

OTHER_MEDIA = {
    "num_frames": VIDEO, "frames": VIDEO, "video": VIDEO, "video_length": VIDEO, "audio_length_in_s": SOUND,
    "audio_end_in_s": SOUND, "audio_duration": SOUND, "duration": SOUND, "audio_duration_s": SOUND,
}  # fmt: skip
"""Parameters that only pipelines for something else than images have, and what those make."""


def drawing_class(class_name: str, model: str) -> Any:
    """Return the class to load a checkpoint of that pipeline class with: its own, or that which draws from words alone.

    Raises:
        UserError: diffusers has no such class, or it makes no images from words; the message says which it is.
    """
    import diffusers
    from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING, _get_task_class

    own: Any = getattr(diffusers, class_name, None)
    if own is None:
        raise UserError(
            f"{model!r} is for {class_name}, which diffusers {diffusers.__version__} does not have; update diffusers, "
            "or name another --generator"
        )
    if class_name in EDITORS:
        return own
    other: Any = _get_task_class(AUTO_TEXT2IMAGE_PIPELINES_MAPPING, class_name, False)
    kind = kind_of_class(class_name)
    # Checkpoints that draw from words, too, are saved as what their owner last did with them: from images, from masks.
    if kind in (INPAINTING, INSTRUCTED) and other is not None and other is not own:
        kind = kind_of_class(other.__name__)
    if kind is not None:
        raise refused(model, kind, class_name)
    # Where a library is missing, diffusers has a stand-in of the class's name, which says so when it is loaded.
    if hasattr(own, "_backends"):
        return own
    takes = inspect.signature(own.__call__).parameters
    made = next((made for name, made in OTHER_MEDIA.items() if name in takes), None)
    if made is not None:
        raise refused(model, made, class_name)
    if other is not None:
        own = other
        takes = inspect.signature(own.__call__).parameters
    bound = "ControlNet" in own.__name__ or {"mask_image", "control_image"} & takes.keys()
    given_images = IMAGES & takes.keys() and other is None and class_name not in FROM_WORDS_TOO
    wants = [
        name
        for name, each in takes.items()
        if name not in ("self", "prompt") and each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    if "prompt" not in takes or bound or given_images or wants:
        needs = f" (it needs {wants[0]!r})" if wants else ""
        raise UserError(
            f"{model!r} is for {class_name}, which does not draw from words alone{needs}, and how references go into "
            "it is not known; name another --generator"
        )
    return own


def by_its_defaults(name: str, model: str, pipeline_class: Any) -> Preset:
    """Return a preset that asks a pipeline as its own code does where nothing is said.

    Args:
        name: of the preset.
        model: Hugging Face id, or a folder.
        pipeline_class: which draws it.
    """
    defaults = {key: one.default for key, one in inspect.signature(pipeline_class.__call__).parameters.items()}
    asked: dict[str, Any] = {"guidance": 0.0, "taught_guidance": pipeline_class.__name__ in TAUGHT_GUIDANCE}
    for field, parameter in (
        ("steps", "num_inference_steps"), ("guidance", "true_cfg_scale"), ("guidance", "guidance_scale"),
        ("negative_prompt", "negative_prompt"), ("width", "width"), ("height", "height"),
    ):  # fmt: skip
        if isinstance(value := defaults.get(parameter), int | float | str):
            asked[field] = value
    recipe = f"by the defaults of its pipeline, a {pipeline_class.__name__}, for which there is no recipe"
    made = {"name": name, "model": model, "pipeline": pipeline_class.__name__, "family": "text", "recipe": recipe}
    return Preset.model_validate(made | asked)
