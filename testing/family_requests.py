"""Drawing with a tiny checkpoint of every family."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imagerag.device_settings import DeviceSettings
from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.presets import load_presets
from testing import tiny_families as tiny
from testing import tiny_models
from testing import tiny_newer_families as newer

SAVED: dict[str, Callable[[Path], Path]] = {
    "sd15": tiny_models.save_sd15,
    "sd21": tiny_models.save_sd15,
    "sd-turbo": tiny_models.save_sd15,
    "sdxl": tiny_models.save_sdxl,
    "sdxl-vit-h": tiny_models.save_sdxl,
    "sdxl-turbo": tiny_models.save_sdxl,
    "kolors": tiny.save_kolors,
    "sd35": tiny.save_sd3,
    "sd35-turbo": tiny.save_sd3,
    "sd35-medium": tiny.save_sd3,
    "sd3": tiny.save_sd3,
    "flux": tiny.save_flux,
    "flux-schnell": tiny.save_flux,
    "flux-krea": tiny.save_flux,
    "chroma": newer.save_chroma,
    "omnigen": tiny.save_omnigen,
    "qwen-image": newer.save_qwen_image,
    "qwen-image-1": newer.save_qwen_image,
    "qwen-image-21": newer.save_qwen_image_21,
    "qwen-image-21-turbo": newer.save_qwen_image_21,
    "qwen-edit": tiny.save_qwen,
    "qwen-edit-1": newer.save_qwen_edit_1,
    "kontext": tiny.save_kontext,
    "flux2": tiny.save_flux2,
    "flux2-klein": tiny.save_klein,
    "flux2-klein-base": tiny.save_klein,
    "flux2-klein-9b": tiny.save_klein,
    "flux2-klein-9b-base": tiny.save_klein,
    "flux2-klein-9b-kv": newer.save_klein_kv,
    "z-image-turbo": newer.save_z_image,
    "z-image": newer.save_z_image,
    "krea2-turbo": newer.save_krea2,
    "krea2": newer.save_krea2,
    "glm-image": newer.save_glm,
    "longcat-image": newer.save_longcat,
    "longcat-edit": newer.save_longcat_edit,
    "longcat-edit-turbo": newer.save_longcat_edit,
    "joy-edit-plus": newer.save_joy_edit_plus,
    "joy-edit": newer.save_joy_edit,
    "hunyuan-image": newer.save_hunyuan_image,
    "hunyuan-image-distilled": newer.save_hunyuan_image,
    "fibo-edit": newer.save_fibo_edit,
}
"""By the preset: what saves a tiny checkpoint of its pipeline class."""
COLOURS = ("red", "blue", "green", "yellow", "pink", "black", "white")
PROMPT = "an owl"


def load_family(family_folder: Path, name: str, memory: Any = "auto", **changes: Any) -> DiffusionGenerator:
    """The bundled preset of that name, with a tiny checkpoint of its pipeline class in it."""
    folder = family_folder / SAVED[name].__name__
    if not folder.exists():
        SAVED[name](folder)
    changes = {"model": str(folder), "width": 32, "height": 32, "steps": 2, "variant": None, **changes}
    preset = load_presets({})[name]
    if preset.adapter is not None:
        adapter = family_folder / f"{name}-adapter"
        if SAVED[name] is tiny.save_flux:
            file = tiny.save_flux_adapter(adapter) / preset.adapter.file
        elif name == "sd35":
            file = tiny.save_sd3_adapter(adapter) / "ip-adapter.safetensors"
        else:
            file = tiny_models.save_adapter(adapter, tiny_models.unet_of(folder), plus="plus" in preset.adapter.file)
        where = {"model": str(adapter), "subfolder": "", "file": file.name, "revision": None, "encoder": str(adapter)}
        where["encoder_revision"] = None
        changes["adapter"] = preset.adapter.model_copy(update={**where, "encoder_subfolder": "image_encoder"})
    return DiffusionGenerator(preset.model_copy(update=changes), DeviceSettings(memory=memory))


def references(count: int) -> tuple[Reference, ...]:
    return tuple(Reference(Image.new("RGB", (40, 30), COLOURS[k % 7]), f"thing {k + 1}") for k in range(count))


def drawn(generator: DiffusionGenerator, count: int, scale: float = 0.6) -> tuple[np.ndarray, dict[str, Any]]:
    drawing = generator.draw(DrawRequest(PROMPT, (7,), references(count), scale))[0]
    return np.asarray(drawing.image, np.int16), dict(drawing.facts)
