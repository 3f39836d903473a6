"""Whether a UNet has the layers that its family's IP-Adapter was trained for; distilled and tiny ones have fewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MID = "UNetMidBlock2DCrossAttn"
USUAL: dict[str, Any] = {"mid_block_type": MID, "transformer_layers_per_block": 1}
"""What a UNet's configuration leaves out where it is that."""

KINDS = {"StableDiffusionPipeline": "v1", "StableDiffusionXLPipeline": "xl_base"}
"""By pipeline, the kind of checkpoint whose UNet the adapters of the presets were trained with."""

LAYERS = (
    "cross_attention_dim", "block_out_channels", "layers_per_block", "down_block_types", "up_block_types",
    "mid_block_type", "transformer_layers_per_block",
)  # fmt: skip
"""What of a UNet's configuration says how many layers of attention to the words it has, and how wide they are."""


def misfit(class_name: str, unet: Mapping[str, Any]) -> str:
    """Return what of a UNet is not as the adapter wants it, in words; empty where it fits, or isn't known.

    Args:
        class_name: of the pipeline.
        unet: its configuration, as far as it can be read.
    """
    if class_name not in KINDS:
        return ""
    from imagerag.generators.diffusion.file_configs import CONFIGS  # imports numpy, which the doctor can do without

    wanted = USUAL | CONFIGS[KINDS[class_name]]["unet/config.json"]
    blocks = len(wanted["block_out_channels"])
    for name in LAYERS:
        if name in unet and _each(unet[name], blocks) != _each(wanted[name], blocks):
            return f"{name} = {_written(unet[name])}, not {_written(wanted[name])}"
    return ""


def _each(value: Any, blocks: int) -> Any:
    """Return a value for each block, where one number stands for all."""
    return [value] * blocks if isinstance(value, int) else value


def _written(value: Any) -> str:
    return "null" if value is None else str(value)
