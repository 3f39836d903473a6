"""What a VAE makes of references, kept from one drawing to the next: redraws and candidates repeat their references."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Hashable
from typing import Any

import torch
from cachetools import LRUCache

from imagerag.generators.diffusion.fingerprints import fingerprint

MOST_BYTES = 64 * 10**6
"""Of latents kept, on the device that made them. A reference of a megapixel takes 1 MB: of FLUX's 16 channels of 128 x
128, mean and deviation, in 16 bits."""


def remember_latents(pipeline: Any) -> None:
    """Let a pipeline encode the same pixels once: with offloaded weights it saves bringing the VAE's encoder back, too.

    What is kept is the distribution, before anything is sampled from it, so that the pixels are the same.

    Args:
        pipeline: of diffusers; one whose VAE encodes nothing stays as it is.
    """
    vae = getattr(pipeline, "vae", None)
    encode = getattr(vae, "encode", None)
    if vae is None or encode is None or hasattr(encode, "known_latents"):
        return
    known: LRUCache[Hashable, Any] = LRUCache(MOST_BYTES, getsizeof=bytes_of)
    parameters = inspect.signature(encode)

    @functools.wraps(encode)
    def remembered(*args: Any, **given: Any) -> Any:
        if torch.is_grad_enabled():  # who learns wants each computed
            return encode(*args, **given)
        try:
            key = fingerprint(list(parameters.bind(*args, **given).arguments.items()))
        except TypeError:
            return encode(*args, **given)
        if key not in known:
            made = encode(*args, **given)
            if bytes_of(made) > MOST_BYTES:
                return made
            known[key] = made
        return copy.deepcopy(known[key])  # whoever gets it may change it in place

    remembered.known_latents = known  # type: ignore[attr-defined]
    vae.encode = remembered


def bytes_of(value: Any) -> int:
    """Return the bytes of the tensors in what a VAE's ``encode`` returns."""
    if isinstance(value, torch.Tensor):
        return value.nbytes
    if isinstance(value, list | tuple):
        return sum(map(bytes_of, value))
    return sum(map(bytes_of, getattr(value, "__dict__", {}).values()))
