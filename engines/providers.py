"""Which generators there are, by the name that ``--generator`` takes: one table, heavy imports inside the factories."""

from collections.abc import Callable
from functools import lru_cache

from imagerag.engines.clip import Embedder
from imagerag.engines.generator import Generator
from imagerag.engines.settings import EngineSettings
from imagerag.errors import UserError


@lru_cache(maxsize=1)
def embedded_clip() -> Embedder:
    """Return the one embedded CLIP of this process; loading it takes seconds."""
    from imagerag.engines.clip import load_embedder

    return load_embedder("embedded")


def clip_model(name: str) -> Embedder:
    """Return the CLIP model of that name; see ``imagerag.engines.clip.full_name``. The embedded one is loaded once.

    Raises:
        UserError: it is not known, or can't be loaded.
    """
    if name == "embedded":
        return embedded_clip()
    from imagerag.engines.clip import full_name, load_embedder

    return load_embedder(full_name(name))


def _patchwork(settings: EngineSettings) -> Generator:
    from imagerag.engines.patchwork import PatchworkGenerator
    from imagerag.index.library import Library

    return PatchworkGenerator(Library(), embedded_clip())


def _preset(name: str, settings: EngineSettings) -> Generator:
    from imagerag.engines.diffusion.drawing import load_diffusion

    return load_diffusion(name, settings)


def _diffusers(name: str, settings: EngineSettings) -> Generator:
    from imagerag.engines.diffusion.drawing import load_diffusion

    return load_diffusion(name, settings, f"diffusers:{name}")


def _openai(name: str, settings: EngineSettings) -> Generator:
    from imagerag.engines.remote.openai_images import OpenAIImages

    return OpenAIImages(name)


def _comfyui(name: str, settings: EngineSettings) -> Generator:
    from imagerag.engines.remote.comfyui import ComfyUI

    return ComfyUI(name)


GENERATORS: dict[str, Callable[[EngineSettings], Generator]] = {"patchwork": _patchwork}
"""Generators that need no more than their name."""

PREFIXES: dict[str, Callable[[str, EngineSettings], Generator]] = {
    "diffusers": _diffusers,
    "openai": _openai,
    "comfyui": _comfyui,
}
"""Generators named ``prefix:rest``; each is handed the rest."""


def check_generator(name: str) -> None:
    """Refuse a name that no generator has, without loading one.

    Raises:
        UserError: the message lists those there are.
    """
    prefix, colon, rest = name.partition(":")
    if name in GENERATORS or (colon and rest and prefix in PREFIXES):
        return
    from imagerag.engines.diffusion.presets import load_presets

    presets = load_presets()
    if name not in presets:
        known = ", ".join([*GENERATORS, *presets, *(f"{prefix}:NAME" for prefix in PREFIXES)])
        raise UserError(f"generator {name!r} is not known; give --generator one of: {known}")


@lru_cache(maxsize=4)
def load_generator(name: str, settings: EngineSettings | None = None) -> Generator:
    """Return the generator of that name, loaded once per process and settings.

    Raises:
        UserError: no such generator, or it can't be loaded here.
    """
    check_generator(name)
    settings = settings or EngineSettings()
    if name in GENERATORS:
        return GENERATORS[name](settings)
    prefix, colon, rest = name.partition(":")
    if not colon:
        return _preset(name, settings)
    return PREFIXES[prefix](rest, settings)
