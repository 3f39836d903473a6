"""Which generators there are, by the name that ``--generator`` takes: one table, heavy imports inside the factories."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.generators.base import Generator, GeneratorPlugin, ImageKind
from imagerag.generators.plugin import load_generator_plugin
from imagerag.plugins import installed, load_as
from imagerag.remote_models import providers, remote_model

IMAGES_APIS = {
    "openai": ("openai_images", "OpenAIImages"),
    "google_genai": ("gemini_images", "GeminiImages"),
    "bfl": ("bfl_images", "BflImages"),
    "fal": ("fal_images", "FalImages"),
    "replicate": ("replicate_images", "ReplicateImages"),
    "together": ("together_images", "TogetherImages"),
    "stability": ("stability_images", "StabilityImages"),
    "recraft": ("recraft_images", "RecraftImages"),
}
"""Prefixes of generators that an images API draws for, which charges: module below ``generators.remote``, and class."""


FAST_FILE = "fast.json"
"""In the data directory: what drawing fast was measured to gain and to change on this machine."""


def _patchwork(settings: DeviceSettings) -> Generator:
    from imagerag.assets.library import bundled_library
    from imagerag.embedders.registry import embedded_clip
    from imagerag.generators.patchwork import PatchworkGenerator

    return PatchworkGenerator(bundled_library(), embedded_clip())


def _preset(name: str, settings: DeviceSettings, loras: tuple[str, ...], fast: Path | None) -> Generator:
    from imagerag.generators.diffusion.drawing import load_diffusion

    return load_diffusion(name, settings, loras=loras, fast=fast)


def _diffusers(name: str, settings: DeviceSettings, loras: tuple[str, ...] = (), fast: Path | None = None) -> Generator:
    from imagerag.generators.diffusion.drawing import load_diffusion

    return load_diffusion(name, settings, f"diffusers:{name}", loras, fast)


def _images_api(prefix: str) -> Callable[[str, DeviceSettings], Generator]:
    def load(name: str, settings: DeviceSettings) -> Generator:
        from importlib import import_module

        module, kind = IMAGES_APIS[prefix]
        generator: Generator = getattr(import_module(f"imagerag.generators.remote.{module}"), kind)(name)
        return generator

    return load


def _comfyui(name: str, settings: DeviceSettings) -> Generator:
    from imagerag.generators.remote.comfyui import ComfyUI

    return ComfyUI(name)


def _file(name: str, settings: DeviceSettings, loras: tuple[str, ...] = (), fast: Path | None = None) -> Generator:
    from imagerag.generators.diffusion.drawing import DiffusionGenerator
    from imagerag.generators.diffusion.single_file import preset_of_file

    return DiffusionGenerator(preset_of_file(name), settings, loras=loras, fast=fast)


GENERATORS: dict[str, Callable[[DeviceSettings], Generator]] = {"patchwork": _patchwork}
"""Generators that need no more than their name."""

PREFIXES: dict[str, Callable[[str, DeviceSettings], Generator]] = {
    "diffusers": _diffusers,
    "file": _file,
    **{prefix: _images_api(prefix) for prefix in IMAGES_APIS},
    "comfyui": _comfyui,
}
"""Generators named ``prefix:rest``; each is handed the rest."""

OF_DIFFUSERS: dict[str, Callable[[str, DeviceSettings, tuple[str, ...], Path | None], Generator]] = {
    "diffusers": _diffusers,
    "file": _file,
}
"""Those of them that draw by diffusers, take LoRA weights, and can draw fast."""


PROFILES = {
    "patchwork": "pictograms",
    **dict.fromkeys(IMAGES_APIS, "cloud"),
    "comfyui": "comfyui",
    "diffusers": "local",
    "file": "local",
}
"""The profile whose critic and libraries fit a generator, by its name or prefix; that of a preset is ``local``."""


def is_images_api(name: str) -> bool:
    """Tell whether an images API draws for a generator of that name."""
    return name.partition(":")[0] in IMAGES_APIS


def may_redraw_parts(name: str) -> bool:
    """Tell whether a generator of that name may be able to redraw a part of an image, without loading it.

    Of a model of diffusers its pipeline tells in the end, of a package's its own class.
    """
    prefix = name.partition(":")[0]
    return prefix == "openai" or not (is_images_api(name) or prefix == "comfyui")


def most_output_tokens(name: str) -> int:
    """Return the tokens that one drawing of an images API costs at most; 0 where it isn't paid for by tokens."""
    return (remote_model(name) or providers()[name.partition(":")[0]].usual).tokens


def image_kind(name: str) -> ImageKind | None:
    """Return what the images of a generator of that name look like, without loading it; ``None`` if it isn't known.

    Presets, images APIs and ComfyUI draw in any style that they are asked for.

    Raises:
        UserError: it is a package's, which can't be imported.
    """
    if name in GENERATORS:
        return "pictograms"
    prefix, colon, _ = name.partition(":")
    if colon and prefix in PREFIXES:
        return "any"
    if prefix in installed("generators"):
        plugin = load_as(GeneratorPlugin, "generators", prefix)
        # One that draws in every style, and is at home among pictograms, is judged there.
        return "pictograms" if (plugin.makes, plugin.profile) == ("any", "pictograms") else plugin.makes
    from imagerag.generators.diffusion.presets import load_presets

    return "any" if name in load_presets() else None


def fitting_profile(name: str) -> str:
    """Return the name of the profile that fits a generator of that name.

    Raises:
        UserError: there is no such generator, or it is a package's, which can't be imported.
    """
    check_generator(name)
    prefix = name.partition(":")[0]
    if name not in GENERATORS and prefix in installed("generators") and prefix not in PREFIXES:
        return load_as(GeneratorPlugin, "generators", prefix).profile
    return PROFILES.get(prefix, "local")


def check_generator(name: str) -> None:
    """Refuse a name that no generator has, without loading one.

    Raises:
        UserError: the message lists those there are.
    """
    prefix, colon, rest = name.partition(":")
    if name in GENERATORS or (colon and rest and prefix in PREFIXES) or prefix in installed("generators"):
        return
    from imagerag.generators.diffusion.presets import load_presets

    presets = load_presets()
    if name not in presets:
        there = [*GENERATORS, *presets, *(f"{prefix}:NAME" for prefix in PREFIXES), *installed("generators")]
        raise UserError(f"generator {name!r} is not known; give --generator one of: {', '.join(dict.fromkeys(there))}")


def check_loras(name: str, loras: tuple[str, ...]) -> None:
    """Refuse LoRA weights for a generator that takes none.

    Raises:
        UserError: it doesn't.
    """
    prefix = name.partition(":")[0]
    if loras and prefix not in OF_DIFFUSERS and (prefix in {*GENERATORS, *PREFIXES, *installed("generators")}):
        raise UserError(
            f"generator {name!r} takes no LoRA, so --lora {loras[0]!r} is of no use; leave it out, or name a local "
            "diffusion model with --generator, such as sdxl or flux"
        )


@lru_cache(maxsize=4)
def load_generator(
    name: str, settings: DeviceSettings | None = None, loras: tuple[str, ...] = (), fast: Path | None = None
) -> Generator:
    """Return the generator of that name, loaded once per process and settings.

    Args:
        name: which.
        settings: where and how its weights are held.
        loras: weights to add to its own; see ``imagerag.lora``.
        fast: draw with what diffusers offers for that, if it is a model of diffusers; the file that keeps what was
            measured of it.

    Raises:
        UserError: no such generator, it can't be loaded here, or it takes no LoRA.
    """
    check_generator(name)
    check_loras(name, loras)
    settings = settings or DeviceSettings()
    if name in GENERATORS:
        return GENERATORS[name](settings)
    prefix, colon, rest = name.partition(":")
    if colon and prefix in OF_DIFFUSERS:
        return OF_DIFFUSERS[prefix](rest, settings, loras, fast)
    if colon and prefix in PREFIXES:
        return PREFIXES[prefix](rest, settings)
    if prefix in installed("generators"):
        return load_generator_plugin(prefix, rest, settings)
    return _preset(name, settings, loras, fast)
