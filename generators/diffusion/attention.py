"""Which kernel computes a transformer's attention: torch's own, or a faster one whose package is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch

NATIVE = "native"
"""Torch's own: it chooses by device and shapes between FlashAttention, cuDNN and its memory-efficient kernel."""

FLASH_3 = "_flash_3"
"""FlashAttention 3 (Shah et al. 2024, arXiv 2407.08608): exact, as torch's kernels are, and written for Hopper."""

SAGE = "sage"
"""SageAttention (Zhang et al. 2024, arXiv 2410.02367): multiplies in 8 bits, which only ``--fast`` takes."""

HOPPER = (9, 0)
"""Compute capability of the H100, H200 and GH200, the only ones that FlashAttention 3 is built for."""

SAGE_FROM = (8, 0)
"""Compute capability from which SageAttention has kernels."""


def faster_attention(device: torch.device, dtype: torch.dtype, approximate: bool) -> str:
    """Return the attention that is fastest by its kind among those that the device and the installed packages have.

    No package is fetched: diffusers would download kernels from the hub, which are code.

    Args:
        device: where it computes.
        dtype: in what; kernels other than torch's take 16 bits only.
        approximate: whether it may multiply in 8 bits.

    Returns:
        A name of diffusers' ``AttentionBackendName``.
    """
    if device.type != "cuda" or torch.version.hip or dtype not in (torch.float16, torch.bfloat16):
        return NATIVE
    capability = torch.cuda.get_device_capability(device)
    if approximate and capability >= SAGE_FROM and find_spec("sageattention") is not None:
        return SAGE
    if capability == HOPPER and find_spec("flash_attn_interface") is not None:
        return FLASH_3
    return NATIVE


def takes_kernels(denoiser: Any) -> bool:
    """Tell whether a denoiser can compute its attention by other kernels than torch's; UNets can't."""
    processors = (getattr(module, "processor", None) for module in denoiser.modules())
    return any(hasattr(processor, "_attention_backend") for processor in processors)


def set_attention(denoiser: Any, name: str) -> str:
    """Let a denoiser compute its attention by that kernel, and no other model of this process.

    Args:
        denoiser: of diffusers.
        name: a name of diffusers' ``AttentionBackendName``.

    Returns:
        What it computes by: the name, or ``NATIVE``.

    Raises:
        RuntimeError, ImportError: the package is too old, or not built for this machine.
    """
    if name == NATIVE or not takes_kernels(denoiser):
        return NATIVE
    with _others_unchanged():
        denoiser.set_attention_backend(name)
    return name


def native_attention(denoiser: Any) -> None:
    """Let a denoiser compute its attention by torch's kernels again."""
    if hasattr(denoiser, "reset_attention_backend"):
        denoiser.reset_attention_backend()


@contextmanager
def _others_unchanged() -> Iterator[None]:
    """Keep what other models of this process compute by: diffusers makes one model's kernel that of all."""
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    registry: Any = _AttentionBackendRegistry
    active, _ = registry.get_active_backend()
    try:
        yield
    finally:
        registry.set_active_backend(active)
