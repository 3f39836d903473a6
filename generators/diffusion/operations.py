"""How much one image has to be computed, by estimate: from the denoiser's parameters, the steps and the size."""

from __future__ import annotations

from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.recipes import no_contrast

TOKEN = 16
"""Pixels of the side of what a transformer reads as one token: of a latent (8, 16) times those of a token (2, 1)."""
LARGER_TOKENS = {"HunyuanImagePipeline": 32, "SanaPipeline": 32, "SanaSprintPipeline": 32}
"""Classes whose VAE makes one latent, and that one token, of more pixels (``spatial_compression_ratio``)."""


def operations(preset: Preset) -> float | None:
    """Return the floating-point operations of one image by estimate; ``None`` where the parameters aren't known.

    Two for each parameter of the denoiser, token, step, and pass, after J. Kaplan et al., "Scaling Laws for Neural
    Language Models", 2020, section 2.1; attention itself is left out.
    """
    denoiser = preset.weights.get("transformer") or preset.weights.get("unet")
    if denoiser is None:
        return None
    tokens = preset.width * preset.height / LARGER_TOKENS.get(preset.pipeline, TOKEN) ** 2
    return 2e9 * denoiser * tokens * preset.steps * passes(preset)


def passes(preset: Preset) -> int:
    """Return how often a denoiser is asked at each step: twice where guidance is by contrast."""
    if preset.taught_guidance and not preset.true_cfg:
        return 1
    return 1 if preset.guidance <= no_contrast(preset.pipeline) else 2
