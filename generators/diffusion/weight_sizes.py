"""What a pipeline's weights take of the device's and the host's memory in each memory mode; torch is not imported."""

from __future__ import annotations

from collections.abc import Mapping

from imagerag.device_settings import Memory

WORKING_BYTES = 2 * 10**9
"""Free memory wanted beyond the weights: activations of one image of a megapixel, in half precision, and the VAE's
decoding of it in tiles. An estimate, not a measurement."""

QUANTISED = 0.5625 / 2
"""Of 16 bits: 4 bits a parameter, and for every 64 of them a scale in 32 bits (NF4 as bitsandbytes lays it out)."""

UNQUANTISED = ("vae", "safety_checker", "image_encoder", "adapter")
"""Parts that stay as they are: images pass through them, or they are loaded apart."""


def large_parts(model_parts: Mapping[str, float]) -> list[str]:
    """Return which parts are quantised: those of at least a tenth of the whole, but for ``UNQUANTISED``.

    Args:
        model_parts: size of each part, in any unit.
    """
    total = sum(model_parts.values())
    return [name for name, size in model_parts.items() if name not in UNQUANTISED and size >= total / 10]


def device_bytes(weights: Mapping[str, float], mode: Memory) -> float | None:
    """Return how much of the weights lies on the device at a time; ``None`` where that is a layer of unknown size.

    An adapter's weights lie in the denoiser, and are never quantised.

    Args:
        weights: bytes of each part, in 16 bits where they are to be quantised.
        mode: how they are held.
    """
    if mode == "sequential":
        return None
    parts = _held(weights, mode)
    return sum(parts.values()) if mode == "full" else max(parts.values(), default=0.0)


def host_bytes(weights: Mapping[str, float], mode: Memory) -> float:
    """Return how much memory of the host the weights take while the pipeline draws; arguments as ``device_bytes``."""
    return 0.0 if mode == "full" else sum(_held(weights, mode).values())


def _held(weights: Mapping[str, float], mode: Memory) -> dict[str, float]:
    """Return the bytes of each model that is moved as a whole."""
    large = large_parts(weights) if mode == "4bit" else []
    parts = {name: size * QUANTISED if name in large else size for name, size in weights.items()}
    denoiser = next((name for name in ("transformer", "unet") if name in parts), None)
    if denoiser is not None:
        parts[denoiser] += parts.pop("adapter", 0.0)
    return parts
