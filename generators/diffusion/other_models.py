"""What a checkpoint of diffusers is that draws no images from words, and what to name in its place."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from imagerag.errors import UserError


class Kind(NamedTuple):
    """What a checkpoint is for, in words that follow "is".

    Attributes:
        what: the kind.
        instead: what to use; ``{drawing}`` stands for a preset of its family that draws from words.
    """

    what: str
    instead: str


DRAWING = "name a model that draws from words, such as --generator {drawing}"
INPAINTING = Kind("an inpainting model, which fills in the masked part of an image", DRAWING)
CONTROL = Kind("a model that follows a control image (edges, depth, poses)", DRAWING)
UPSCALER = Kind("an upscaler, which makes an image larger", DRAWING + ", and the size with --size")
REFINER = Kind("a refiner, which only finishes what its base model drew", "name the base model: --generator {drawing}")
INSTRUCTED = Kind("a model that changes an image that it is given", DRAWING)
DEPTH = Kind("a model that draws by a map of depths", DRAWING)
VIDEO = Kind("a model that makes videos, not images", DRAWING)
SOUND = Kind("a model that makes sound, not images", DRAWING)
TEXT = Kind("a model that writes text, not images", DRAWING)
SHAPES = Kind("a model that makes shapes in three dimensions, not images", DRAWING)
FIRST_STAGE = Kind("the first of several stages, which makes what another model draws by", DRAWING)
MEASURE = Kind("a model that measures an image (depth, normals)", DRAWING)
WITHOUT_WORDS = Kind("a model that is not told in words what to draw", DRAWING)
MODULAR = Kind(
    "described as blocks (a modular pipeline), which are not loaded here",
    "name the checkpoint in the usual layout, which has a model_index.json, or another model: FLUX.3 has only blocks",
)
ONNX = Kind("laid out for ONNX Runtime", "name the checkpoint in the usual layout")
PROTEINS = Kind("a model that designs proteins", DRAWING)

BY_CLASS: tuple[tuple[str, Kind], ...] = (
    (r"Modular", MODULAR),
    (r"Protein", PROTEINS),
    (r"Audio|Music|Spectrogram|AceStep|DanceDiffusion", SOUND),
    (
        r"Video|AnimateDiff|Latte|Mochi|Allegro|ConsisID|CogVideoX|WanAnimate|I2V|T2V|V2V|TI2V|TextToWorld|PIAPipeline"
        r"|VACE|LTX|SkyReels|Helios|AnyFlow|LucyEdit|ChronoEdit|SanaWM|MotifVideo|Cosmos(?!2TextToImage)",
        VIDEO,
    ),
    (r"ShapE", SHAPES),
    (r"LLaDA|DiffusionGemma", TEXT),
    (r"Refiner", REFINER),
    (r"Upscale|SuperResolution|\d+SR|Upsample", UPSCALER),
    (r"Control[Nn]et|Control(?:Img2Img|Inpaint|Pipeline)|Adapter|Depth2Img|VisualCloze", CONTROL),
    (r"Inpaint|Fill|RePaint|PaintByExample|DiffEdit", INPAINTING),
    (r"Prior", FIRST_STAGE),
    (r"Marigold|LDM3D", MEASURE),
    (r"Pix2Pix|Img2Img|ImageVariation|ModelEditing|CycleDiffusion|I2I|Layered|BlipDiffusion|DualGuided", INSTRUCTED),
    (r"^IF|^UnCLIP|^KarrasVe", FIRST_STAGE),
    (r"Onnx", ONNX),
    (
        r"^(?:DDPM|DDIM|PNDM|LDM|DiT|ScoreSde\w*|ConsistencyModel|UniDiffuser|VersatileDiffusion)Pipeline$",
        WITHOUT_WORDS,
    ),
)
"""By what is found in the name of a pipeline's class, the first that fits. ``IFPipeline`` draws at 64 pixels."""

CHANNELS: dict[tuple[str, int], Kind] = {
    ("unet", 9): INPAINTING, ("unet", 8): INSTRUCTED, ("unet", 7): UPSCALER, ("unet", 5): DEPTH,
    ("flux", 384): INPAINTING, ("flux", 128): CONTROL,
}  # fmt: skip
"""By a UNet's or FLUX.1's ``in_channels``: besides the noise it reads a mask and what it covers (4 + 1 + 4), an image
(4 + 4; 4 + 3 at a low resolution), depths (4 + 1); FLUX.1 Fill, Depth and Canny likewise in patches of 2 x 2 (64 + 320,
64 + 64). As ``infer_diffusers_model_type`` of diffusers tells files apart."""

FAMILIES = (
    ("StableDiffusionXL", "sdxl"), ("StableDiffusion3", "sd35"), ("StableDiffusion", "sd15"), ("Flux2", "flux2-klein"),
    ("Flux", "flux"), ("QwenImage", "qwen-image"), ("ZImage", "z-image-turbo"), ("Kolors", "kolors"),
    ("Chroma", "chroma"), ("HunyuanImage", "hunyuan-image"),
)  # fmt: skip
"""By the beginning of a class's name: a preset of that family."""
ANY_DRAWING = "flux2-klein"

PARTS = re.compile(r"ControlNet|T2IAdapter|Adapter|Autoencoder|VQModel|UNet|Transformer|MotionAdapter")
"""Classes of diffusers for one part of a pipeline, as a ``config.json`` names them."""


NO_PARTS: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def kind_of_class(class_name: str) -> Kind | None:
    """Return what a pipeline class is for where that isn't drawing from words; ``None`` where it may be."""
    return next((kind for found, kind in BY_CLASS if re.search(found, class_name)), None)


def kind_of_checkpoint(index: Mapping[str, Any], denoiser: Mapping[str, Any]) -> Kind | None:
    """Return what a checkpoint is for by what its denoiser reads, whatever class it is drawn with; else ``None``.

    Args:
        index: its ``model_index.json``.
        denoiser: the configuration of its transformer or UNet.
    """
    class_name = str(index.get("_class_name", ""))
    if class_name.startswith("StableDiffusionXL") and (
        index.get("requires_aesthetics_score") is True or denoiser.get("cross_attention_dim") == 1280
    ):
        return REFINER
    channels = denoiser.get("in_channels")
    if not isinstance(channels, int):
        return None
    family = "flux" if class_name.startswith("Flux") and not class_name.startswith("Flux2") else ""
    return CHANNELS.get(("unet" if "unet" in index else family, channels))


def refused(model: str, kind: Kind, class_name: str, like: str = "") -> UserError:
    """Return the one line that says what a model is, and what to name in its place.

    Args:
        model: its name.
        kind: what it is.
        class_name: of its pipeline; empty where it has none.
        like: how the classes of its family begin, where it has no pipeline.
    """
    family = class_name or like
    drawing = next((preset for start, preset in FAMILIES if family.startswith(start)), ANY_DRAWING)
    told = f" ({class_name})" if class_name else ""
    words = "it does not draw from words alone, " if "{drawing}" in kind.instead else ""
    return UserError(f"{model!r} is {kind.what}{told}; {words}{kind.instead.format(drawing=drawing)}")


def no_pipeline(
    model: str, config: Mapping[str, Any], files: tuple[str, ...], parts: Mapping[str, Mapping[str, Any]] = NO_PARTS
) -> UserError:
    """Return the one line on a repository or folder without a ``model_index.json``.

    Args:
        model: its id, or the folder.
        config: its ``config.json``; empty if it has none.
        files: names of its files, as far as they are known.
        parts: the configurations of the denoisers that it has in folders, by the folder's name.
    """
    where = f"--generator {ANY_DRAWING}"
    class_name = str(config.get("_class_name", ""))
    made_by = config.get("architectures") or [config.get("model_type") or ""]
    weights = [name for name in files if name.endswith((".safetensors", ".gguf"))]
    if "modular_model_index.json" in files:
        return refused(model, MODULAR, "")
    if PARTS.search(class_name):
        what = CONTROL.what if re.search("ControlNet|T2IAdapter", class_name) else "one part of a pipeline"
        return UserError(
            f"{model!r} is {what} ({class_name}), and no model that draws; name one that does, such as {where}"
        )
    if made_by[0]:
        return UserError(
            f"{model!r} is a model of transformers ({made_by[0]}), which draws nothing with diffusers; name one that "
            f"draws, such as {where}"
        )
    for part, its in parts.items():
        if its.get("_class_name"):
            return UserError(
                f"{model!r} holds the {part} of a pipeline alone ({its['_class_name']}; no model_index.json), without "
                f"what reads the prompt and makes the picture; name a model that has all parts, such as {where}"
            )
    if any(name.endswith("adapter_config.json") or "lora" in name.lower() for name in (model, *weights)):
        some = f"{model}/{weights[0]}" if len(weights) > 1 else model
        return UserError(
            f"{model!r} holds LoRA weights and no model of its own (no model_index.json); name the model that they are "
            f"for with --generator, and them with --lora {some}"
        )
    if weights:
        return UserError(
            f"{model!r} is no folder of diffusers (no model_index.json), but holds {', '.join(weights[:3])}"
            f"{' ...' if len(weights) > 3 else ''}; one that is a whole model or a denoiser draws once it is here, "
            "with --generator file:PATH, LoRA weights with --lora beside their model"
        )
    page = "" if os.path.isdir(model) else f" (https://huggingface.co/{model})"
    return UserError(
        f"{model!r} is no model of diffusers, since it has no file 'model_index.json'{page}; name another --generator"
    )
