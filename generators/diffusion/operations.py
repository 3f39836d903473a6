"""How much one image has to be computed, by estimate: from the denoiser's parameters, the steps and the size."""

from __future__ import annotations

from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.recipes import TAUGHT_GUIDANCE, no_contrast

READS_GUIDANCE = TAUGHT_GUIDANCE | {"LatentConsistencyModelPipeline", "SanaSprintPipeline"}
"""Classes of diffusers that compute one pass a step whatever the guidance: it is an input of their denoisers."""
LATENT, PATCH = 8, 2
"""Pixels of a latent's side, and latents of a token's: a megapixel is 4,096 tokens in all families of the presets."""


def operations(preset: Preset) -> float | None:
    """Return the floating-point operations of one image by estimate; ``None`` where the parameters aren't known.

    Two for each parameter of the denoiser, token, step, and pass (two passes where guidance is by contrast), after
    J. Kaplan et al., "Scaling Laws for Neural Language Models", 2020, section 2.1; attention itself is left out.
    """
    denoiser = preset.weights.get("transformer") or preset.weights.get("unet")
    if denoiser is None:
        return None
    tokens = preset.width * preset.height / (LATENT * PATCH) ** 2
    return 2e9 * denoiser * tokens * preset.steps * (2 if draws_by_contrast(preset) else 1)


def draws_by_contrast(preset: Preset) -> bool:
    """Tell whether each step computes two passes, with the prompt and without: where guidance is no input."""
    if preset.guidance <= no_contrast(preset.pipeline):
        return False
    taught = preset.taught_guidance or preset.pipeline in READS_GUIDANCE
    return preset.true_cfg or not taught
