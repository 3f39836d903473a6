"""What diffusers offers for drawing faster and less exactly, by the class of the pipeline; without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

StepCache = Literal["FirstBlockCache", "TaylorSeerCache"]

STEP_CACHES: Mapping[str, StepCache] = {
    # A step whose first block changes little reuses what the others made of the step before.
    "FluxPipeline": "FirstBlockCache",
    "QwenImagePipeline": "FirstBlockCache",
    "QwenImageEditPipeline": "FirstBlockCache",
    "QwenImageEditPlusPipeline": "FirstBlockCache",
    "HunyuanImagePipeline": "FirstBlockCache",
    "FluxKontextPipeline": "FirstBlockCache",
    # Their blocks return what that one can't read: attention is extrapolated from the steps before (Liu et al. 2025,
    # arXiv 2503.06923).
    "Flux2KleinPipeline": "TaylorSeerCache",
    "Flux2Pipeline": "TaylorSeerCache",
    "QwenImage21Pipeline": "TaylorSeerCache",
    "LongCatImagePipeline": "TaylorSeerCache",
    "LongCatImageEditPipeline": "TaylorSeerCache",
}
"""By pipeline class, those caches of diffusers 0.42.1 that it draws with, at diffusers' own settings. Chroma draws by
contrast and keeps no cache apart for each half of it (``cache_context``), as all of these need; the transformers of
others (Z-Image, Krea 2) take none; MagCache needs figures fitted to one checkpoint, and Pyramid Attention Broadcast and
FasterCache are made for videos."""

BY_CONTRAST = frozenset({"ChromaPipeline"})
"""That other one: its transformer takes a cache (``CacheMixin``)."""

ONE_PASS = frozenset({"FluxKontextPipeline", "Flux2Pipeline"})
"""Those that set no ``cache_context`` and need none apart: their guidance is an input, so that a step is one pass."""

LEAST_STEPS = 10
"""Below, models are distilled: each step changes the picture so much that nothing of the one before can be reused."""

UNETS = frozenset({"StableDiffusionPipeline", "StableDiffusionXLPipeline", "KolorsPipeline"})
"""Pipelines whose denoiser convolves, and computes attention by torch's own kernels alone."""

BY_TORCH_ALONE = frozenset({"StableDiffusion3Pipeline", "OmniGenPipeline"})
"""Pipelines whose transformer names no blocks to compile, and takes no other attention."""


def step_cache_of(class_names: tuple[str, ...], steps: int) -> StepCache | None:
    """Return the cache of steps that pipelines over one denoiser draw with at so many steps, if there is one.

    Args:
        class_names: of the pipelines: that with references and that without.
        steps: denoising steps.
    """
    caches = {STEP_CACHES.get(name) for name in class_names}
    return caches.pop() if len(caches) == 1 and steps >= LEAST_STEPS else None


def lacking_cache(class_names: tuple[str, ...], steps: int) -> str:
    """Return in words why there is no cache of steps; empty where there is one.

    Args:
        class_names: of the pipelines over one denoiser: that with references and that without.
        steps: denoising steps.
    """
    if step_cache_of(class_names, steps) is not None:
        return ""
    if step_cache_of(class_names, LEAST_STEPS) is not None:
        why = f"in {steps} steps each changes too much of the picture"
    elif by_contrast := next((name for name in class_names if name in BY_CONTRAST), None):
        why = f"in diffusers, {by_contrast} keeps none apart for each half of its guidance"
    else:
        why = f"diffusers has none that {' and '.join(dict.fromkeys(class_names))} can draw with"
    return f"no cache of steps, since {why}"


def offers(class_names: tuple[str, ...], steps: int) -> list[str]:
    """Return in words what ``--fast`` would take, and where; empty if that is nothing.

    Args:
        class_names: of the pipelines over one denoiser, of those in ``presets.toml``.
        steps: denoising steps.
    """
    own = class_names[0]
    told: list[str] = [step_cache_of(class_names, steps) or ""]
    told += ["" if own in BY_TORCH_ALONE else "compiled blocks on a GPU", "channels last" if own in UNETS else ""]
    told += ["" if own in UNETS | BY_TORCH_ALONE else "SageAttention on a GPU where it is installed"]
    return [name for name in told if name]
