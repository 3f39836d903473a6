"""Where the weights of a pipeline lie while it draws: the memory modes, and which of them fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.errors import UserError
from imagerag.generators.diffusion.weight_sizes import WORKING_BYTES, device_bytes

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

STEP_DOWN: dict[Memory, Memory] = {"full": "offload", "offload": "sequential", "4bit": "sequential"}
"""What to fall back to when memory runs out. In 4 bits one model lies on the device at a time already, and quantised
layers can't be offloaded one by one (bitsandbytes): the weights are loaded anew, as they were published."""

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
    modes: tuple[Memory, ...] = ("full", "offload", "4bit") if has_4bit else ("full", "offload")
    for mode in modes:
        taken = device_bytes(weights, mode)
        if taken is not None and taken <= free - WORKING_BYTES:
            return mode
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


def placed_or_less(pipeline: DiffusionPipeline, device: torch.device, mode: Memory, what: str) -> Memory:
    """Put a pipeline's weights where the mode wants them; where memory runs out, as the next lower one does.

    Args:
        pipeline: whose weights are placed.
        device: where it computes.
        mode: how they are to be held.
        what: the model's name, for the person.

    Returns:
        The mode in which they are held.

    Raises:
        UserError: memory runs out in every mode below as well.
        RuntimeError: it runs out in 4 bits, from which there is no way down but to load the weights anew.
    """
    while True:
        try:
            place(pipeline, device, mode)
            return mode
        except (RuntimeError, MemoryError) as error:
            if mode == "4bit" or not is_out_of_memory(error):
                raise
            after = STEP_DOWN.get(mode)
            if after is None:
                raise UserError(
                    f"{what!r} does not fit into the memory of {device}, also with --memory {mode}; close what else "
                    "uses it, or name another --generator"
                ) from error
        release(device)  # after the error is gone, which holds tensors by its traceback
        mode = after


Result = TypeVar("Result")


def with_less_memory(
    draw: Callable[[tuple[str, ...]], Result],
    device: torch.device,
    mode: Callable[[], Memory],
    step_down: Callable[[Memory], None],
    no_memory: Callable[[], Exception],
) -> Result:
    """Return what ``draw`` returns; where memory runs out, step down one mode and draw once more.

    Args:
        draw: is given what the person should be told: nothing at first, then that a slower mode is used.
        device: where it draws.
        mode: returns how the weights are held.
        step_down: holds them in another mode.
        no_memory: makes the error where there is no lower mode, or that was not enough either.
    """
    notes: tuple[str, ...] = ()
    while True:
        try:
            return draw(notes)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            before = mode()
            after = STEP_DOWN.get(before)
            if after is None or notes:
                raise no_memory() from error
        release(device)  # after the error is gone, which holds tensors by its traceback
        try:
            step_down(after)
        except UserError as error:
            raise no_memory() from error
        notes = (f"out of memory with --memory {before}; went on with {mode()}, which is slower",)
