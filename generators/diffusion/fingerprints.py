"""Values by which calls can be told apart: words and numbers by themselves, pictures and tensors by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from typing import Any

import torch
from PIL import Image


def fingerprint(value: Any) -> Hashable:
    """Return what is equal for equal values, and for those only.

    Raises:
        TypeError: the value is none of those that can be compared.
    """
    if value is None or isinstance(value, str | int | float | torch.device | torch.dtype):
        return type(value).__name__, value  # 1, 1.0 and True are equal
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(fingerprint(one) for one in value)
    if isinstance(value, Image.Image):
        return "image", value.mode, value.size, hashlib.sha256(value.tobytes()).hexdigest()
    if isinstance(value, torch.Tensor):
        plain = value.detach().cpu().contiguous()
        content = plain.view(torch.uint8).numpy() if plain.dim() else plain.reshape(1).view(torch.uint8).numpy()
        digest = hashlib.sha256(content.tobytes()).hexdigest()
        return "tensor", str(value.dtype), str(value.device), tuple(value.shape), digest
    raise TypeError(f"a {type(value).__name__} can't be compared")
