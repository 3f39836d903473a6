"""Where the weights of a pipeline lie while it draws: the memory modes, and which of them fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.errors import UserError

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

WORKING_BYTES = 2 * 10**9
"""Free memory wanted beyond the weights: activations of one image of a megapixel, in half precision, and the VAE's
decoding of it in tiles. An estimate, not a measurement."""

STEP_DOWN: dict[Memory, Memory] = {"full": "offload", "offload": "sequential", "4bit": "offload"}
"""What to fall back to when memory runs out. Quantised layers can't be offloaded one by one (bitsandbytes)."""

BYTES_OF = {torch.float32: 4, torch.float16: 2, torch.bfloat16: 2}


def choose_mode(
    settings: DeviceSettings, device: torch.device, weights: Mapping[str, float], free: int | None, has_4bit: bool
) -> Memory:
    """Return the memory mode of the settings; for ``auto`` the fastest that fits.

    Args:
        settings: what was asked for.
        device: where it computes.
        weights: bytes of each part of the pipeline; may be empty if not known.
        free: bytes free on the device; ``None`` where that isn't known.
        has_4bit: whether a library for it is installed.

    Raises:
        UserError: 4 bits were asked for on a CPU, where no library computes in them.
    """
    if settings.memory == "4bit" and device.type == "cpu":
        raise UserError("memory '4bit' needs a GPU, and there is none here; give --memory auto")
    if settings.memory != "auto":
        return settings.memory
    if device.type == "cpu" or free is None or not weights:
        return "full"
    room = free - WORKING_BYTES
    if sum(weights.values()) <= room:
        return "full"
    if max(weights.values()) <= room:
        return "offload"
    if has_4bit and max(weights.values()) / 4 <= room:
        return "4bit"
    return "sequential"


def place(pipeline: DiffusionPipeline, device: torch.device, mode: Memory) -> None:
    """Put a pipeline's weights where the mode wants them, wherever they were before."""
    moved: Any = pipeline
    moved.remove_all_hooks()
    if mode == "sequential":
        # Group offloading by leaves: what enable_sequential_cpu_offload does, with transfers ahead of the computing.
        moved.to("cpu")
        moved.enable_group_offload(
            onload_device=device,
            offload_device=torch.device("cpu"),
            offload_type="leaf_level",
            use_stream=device.type == "cuda",
        )
    elif mode == "offload" or (mode == "4bit" and device.type != "cpu"):
        moved.enable_model_cpu_offload(device=device)
    elif mode == "full":
        moved.to(device)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that a device's memory ran out; MPS and CPU raise plain ``RuntimeError``."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def release(device: torch.device) -> None:
    """Give memory that nothing uses any more back to the device."""
    import gc

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


Result = TypeVar("Result")


class Placed(Protocol):
    """A pipeline's weights, as they are held."""

    device: torch.device
    mode: Memory


def with_less_memory(
    draw: Callable[[tuple[str, ...]], Result],
    pipeline: DiffusionPipeline,
    placed: Placed,
    no_memory: Callable[[], Exception],
) -> Result:
    """Return what ``draw`` returns; where memory runs out, step down one mode and draw once more.

    Args:
        draw: is given what the person should be told: nothing at first, then that a slower mode is used.
        pipeline: whose weights are placed anew.
        placed: how they are held; its mode is changed.
        no_memory: makes the error where there is no lower mode, or that was not enough either.
    """
    notes: tuple[str, ...] = ()
    while True:
        try:
            return draw(notes)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            before, after = placed.mode, STEP_DOWN.get(placed.mode)
            if after is None or notes:
                raise no_memory() from error
        release(placed.device)  # after the error is gone, which holds tensors by its traceback
        place(pipeline, placed.device, after)
        placed.mode = after
        notes = (f"out of memory with --memory {before}; went on with {after}, which is slower",)
