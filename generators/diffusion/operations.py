"""How much one image has to be computed, by estimate: from the denoiser's parameters, the steps and the size."""

from __future__ import annotations

from imagerag.generators.diffusion.presets import Preset

GUIDANCE_AS_INPUT = ("flux", "flux-krea", "kontext", "flux2", "hunyuan-image-distilled")
"""Presets of models that were taught guidance, and take its strength as an input instead of drawing by contrast."""
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
    passes = 1 if preset.guidance <= 1 or preset.name in GUIDANCE_AS_INPUT else 2
    return 2e9 * denoiser * tokens * preset.steps * passes
