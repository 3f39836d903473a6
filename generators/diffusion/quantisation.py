"""Weights in 4 bits, by bitsandbytes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch

from imagerag.extras import missing


def has_4bit() -> bool:
    """Tell whether bitsandbytes is installed."""
    return find_spec("bitsandbytes") is not None


UNQUANTISED = ("vae", "safety_checker", "image_encoder", "adapter")
"""Parts that stay as they are: images pass through them, or they are loaded apart."""


def large_parts(model_parts: Mapping[str, float]) -> list[str]:
    """Return which parts are quantised: those of at least a tenth of the whole, but for ``UNQUANTISED``.

    Args:
        model_parts: size of each part, in any unit.
    """
    total = sum(model_parts.values())
    return [name for name, size in model_parts.items() if name not in UNQUANTISED and size >= total / 10]


def quantisation(model_parts: Mapping[str, float], dtype: torch.dtype) -> Any:
    """Return what ``from_pretrained`` needs to load the large parts in 4 bits (NF4, Dettmers et al. 2023).

    Args:
        model_parts: bytes of each part.
        dtype: to compute in.

    Raises:
        UserError: bitsandbytes is not installed.
    """
    if not has_4bit():
        raise missing("bitsandbytes", "diffusion", "memory '4bit'")
    from diffusers.quantizers.pipe_quant_config import PipelineQuantizationConfig

    how: dict[str, Any] = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": dtype}
    return PipelineQuantizationConfig(
        quant_backend="bitsandbytes_4bit",
        quant_kwargs=how,
        components_to_quantize=large_parts(model_parts) or ["unet", "transformer"],
    )
