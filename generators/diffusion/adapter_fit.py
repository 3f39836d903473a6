"""Whether a denoiser has the layers that its family's IP-Adapter is for; distilled and tiny ones have fewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MID = "UNetMidBlock2DCrossAttn"
USUAL: dict[str, Any] = {"mid_block_type": MID, "transformer_layers_per_block": 1}
"""What a UNet's configuration leaves out where it is that."""

KINDS = {"StableDiffusionPipeline": "v1", "StableDiffusionXLPipeline": "xl_base", "KolorsPipeline": "xl_base"}
"""By pipeline, the kind of checkpoint whose UNet has the layers that the adapters of the presets were trained with."""

LAYERS = (
    "cross_attention_dim", "block_out_channels", "layers_per_block", "down_block_types", "up_block_types",
    "mid_block_type", "transformer_layers_per_block",
)  # fmt: skip
"""What of a UNet's configuration says how many layers of attention to the words it has, and how wide they are."""

TRANSFORMERS: dict[str, dict[str, Any]] = {
    "StableDiffusion3Pipeline": {"num_layers": 38, "num_attention_heads": 38, "attention_head_dim": 64},
    "FluxPipeline": {"num_layers": 19, "num_attention_heads": 24, "attention_head_dim": 128},
}
"""Likewise of the transformers, as ``stable-diffusion-3.5-large`` and ``FLUX.1-dev`` have them."""


def misfit(class_name: str, denoiser: Mapping[str, Any]) -> str:
    """Return what of a denoiser is not as the adapter wants it, in words; empty where it fits, or isn't known.

    Args:
        class_name: of the pipeline.
        denoiser: its configuration, as far as it can be read.
    """
    for name, wanted in _wanted(class_name).items():
        if name in denoiser and _each(denoiser[name], wanted) != wanted:
            return f"{name} = {_written(denoiser[name])}, not {_written(wanted)}"
    return ""


def _wanted(class_name: str) -> Mapping[str, Any]:
    """Return the layers that the adapter of a class is for, as a configuration has them."""
    if class_name not in KINDS:
        return TRANSFORMERS.get(class_name, {})
    from imagerag.generators.diffusion.file_configs import CONFIGS  # imports numpy, which the doctor can do without

    known = USUAL | CONFIGS[KINDS[class_name]]["unet/config.json"]
    return {name: known[name] for name in LAYERS}


def _each(value: Any, wanted: Any) -> Any:
    """Return a value in the form of another, where a number stands for as many blocks as have the same."""
    if isinstance(wanted, list) and isinstance(value, int):
        return [value] * len(wanted)
    same = isinstance(value, list) and isinstance(wanted, int) and len(set(value)) == 1
    return value[0] if same else value


def _written(value: Any) -> str:
    return "null" if value is None else str(value)
