"""Which device a local model computes on, in which numbers, and what memory that device has free."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError, causes, first_line

if TYPE_CHECKING:
    import torch


_moving: set[threading.Thread] = set()


def moves_weights(thread: threading.Thread) -> None:
    """Let what asks for free memory wait until that thread, begun by the caller, has ended: it moves weights."""
    _moving.add(thread)


def _wait_for_moved_weights() -> None:
    for thread in list(_moving):
        if thread is not threading.current_thread():
            thread.join()
            _moving.discard(thread)


def may_have_gpu() -> bool:
    """Return whether this machine may have a GPU, by the drivers' files, without importing torch, which takes seconds.

    True wherever that can't be ruled out.
    """
    return sys.platform != "linux" or any(Path("/dev", name).exists() for name in ("nvidiactl", "dxg", "kfd", "dri"))


def choose_device(settings: DeviceSettings) -> torch.device:
    """Return the device of the settings; the best there is for ``auto``.

    Raises:
        UserError: there is no such device here.
    """
    import torch

    if settings.device == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(name)
    try:
        device = torch.device(settings.device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        raise UserError(
            f"device {settings.device!r} can't be used here ({first_line(error)}); give --device auto"
        ) from error
    return device


def choose_dtype(settings: DeviceSettings, device: torch.device) -> torch.dtype:
    """Return the dtype of the settings; for ``auto`` float32 on a CPU, bfloat16 or float16 elsewhere."""
    import torch

    if settings.dtype != "auto":
        return {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}[settings.dtype]
    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if has_bfloat16(device) else torch.float16


def has_bfloat16(device: torch.device) -> bool:
    """Tell whether a GPU computes in bfloat16 itself.

    NVIDIA's do from compute capability 8.0 on; older ones emulate it, slowly and without cuDNN's convolutions, and
    ``torch.cuda.is_bf16_supported`` says yes all the same, of the current device (PyTorch 2.14, ``torch/cuda``). All of
    AMD's that ROCm supports do, and Apple's under the macOS that PyTorch's MPS backend needs.
    """
    import torch

    if device.type != "cuda" or torch.version.hip:
        return device.type != "cpu"
    return torch.cuda.get_device_capability(device)[0] >= 8


def free_bytes(device: torch.device) -> int | None:
    """Return how much memory a device has free; ``None`` where that can't be asked."""
    import torch

    _wait_for_moved_weights()
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return None


def free_for_models(device: torch.device) -> int:
    """Return how many bytes models may still take of a device's memory.

    Of Apple's GPUs that is what Metal recommends at most, less what is taken (``recommendedMaxWorkingSetSize``); of a
    CPU the machine's available memory.
    """
    import torch

    _wait_for_moved_weights()
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    import psutil

    return int(psutil.virtual_memory().available)


_NO_MEMORY = re.compile(
    r"out of memory|(?:can't|cannot|could not|failed to) allocate|not enough memory|paging file is too small", re.I
)
"""What libraries say where memory has run out: torch's allocators of CUDA and MPS, and on a CPU ``can't allocate
memory`` or, on Windows, ``not enough memory`` (PyTorch 2.14, ``c10/core/impl/alloc_cpu.cpp``); where files are mapped,
the C library and Windows."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error, or one that led to it, says that a device's memory or the machine's ran out.

    torch has a class for that on GPUs, a ``RuntimeError``; all else is told by words alone, and diffusers makes an
    ``OSError`` of any of them.
    """
    return any(
        isinstance(one, MemoryError) or (isinstance(one, RuntimeError | OSError) and bool(_NO_MEMORY.search(str(one))))
        for one in causes(error)
    )


def out_of_memory_told(error: Exception) -> UserError | None:
    """Return what a person is told where memory ran out in a place that has no other way to go on; ``None`` if it
    didn't, or if the error is one that tells the person already.

    Args:
        error: that ended a run or a command.
    """
    if isinstance(error, UserError) or not isinstance(error, RuntimeError | OSError | MemoryError):
        return None
    if not is_out_of_memory(error):
        return None
    said = first_line(error)
    return UserError(
        f"memory ran out{'' if said == 'MemoryError' else f' ({said})'}; close what else uses it, or choose smaller "
        "models or files, or another --memory"
    )
