"""Weights that are published quantised: which parts, what reads them, and how they can be held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.errors import UserError
from imagerag.extras import missing
from imagerag.generators.diffusion.quantisation import has_4bit
from imagerag.generators.diffusion.recipes import DENOISERS, Published
from imagerag.generators.diffusion.weight_sizes import QUANTISED

BITSANDBYTES = "bitsandbytes"
IN_8_BITS = 0.5
"""Of 16."""
FOUR = ("4bit", "nf4", "fp4", "int4", "w4")
"""What the settings of some library say where weights are in 4 bits; others are taken for 8."""


class Stored(NamedTuple):
    """How one part is stored.

    Attributes:
        method: the library that reads it, as ``quantization_config`` calls it.
        share: of its size in 16 bits.
    """

    method: str
    share: float


def stored_quantised(published: Published) -> dict[str, Stored]:
    """Return the parts whose weights are stored quantised, by name; text encoders are looked at where the denoiser is.

    Args:
        published: what the repository or folder says.
    """
    denoiser = next((part for part in DENOISERS if part in published.index), "")
    first = _stored(published.config(denoiser)) if denoiser else None
    if first is None:
        return {}
    encoders = (name for name in published.index if name.startswith("text_encoder"))
    others = {name: found for name in encoders if (found := _stored(published.config(name))) is not None}
    return {denoiser: first, **others}


def _stored(config: Mapping[str, Any]) -> Stored | None:
    settings = config.get("quantization_config")
    if not isinstance(settings, Mapping):
        return None
    by_bits = "load_in_4bit" in settings or "load_in_8bit" in settings
    method = str(settings.get("quant_method") or (BITSANDBYTES if by_bits else "an unknown library"))
    said = str(settings).lower()
    four = bool(settings.get("load_in_4bit")) if by_bits else any(word in said for word in FOUR)
    return Stored(method, QUANTISED if four else IN_8_BITS)


def as_stored(sizes: Mapping[str, float], stored: Mapping[str, Stored]) -> dict[str, float]:
    """Return the bytes of each part, given those in 16 bits."""
    return {name: size * (stored[name].share if name in stored else 1.0) for name, size in sizes.items()}


def held_as(
    model: str, settings: DeviceSettings, device: torch.device, stored: Mapping[str, Stored]
) -> tuple[DeviceSettings, tuple[str, ...]]:
    """Return settings that fit weights as they are stored, and what to tell where they aren't those asked for.

    Raises:
        UserError: the library that reads them isn't here, or needs a GPU, or they can't be held as is asked for.
    """
    methods = sorted({each.method for each in stored.values()})
    if not methods:
        return settings, ()
    named = f"the weights of {model!r} are quantised ({', '.join(methods)})"
    if BITSANDBYTES in methods:
        if device.type not in ("cuda", "xpu"):
            raise UserError(f"{named}, which needs a GPU, and there is none here; name the model that they are made of")
        if not has_4bit():
            raise missing(BITSANDBYTES, "diffusion", repr(model))
        if settings.memory == "sequential":
            raise UserError(f"{named}, and can't go through the device layer by layer; give --memory offload")
    if settings.memory == "4bit":
        return replace(settings, memory="offload"), (f"{named} already; they are held as with --memory offload",)
    return settings, ()


def least(mode: Memory, stored: Mapping[str, Stored]) -> Memory:
    """Return a mode that weights can be held in as they are stored, where too little memory was found for others."""
    by_layers = all(each.method != BITSANDBYTES for each in stored.values())
    return mode if mode != "sequential" or by_layers else "offload"
