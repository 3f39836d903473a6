"""Weights in 4 bits, by bitsandbytes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch

from imagerag.extras import missing
from imagerag.generators.diffusion.weight_sizes import large_parts


def has_4bit() -> bool:
    """Tell whether bitsandbytes is installed."""
    return find_spec("bitsandbytes") is not None


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
