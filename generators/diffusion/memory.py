"""Where the weights of a pipeline lie while it draws: the memory modes, and which of them fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import torch

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.devices import is_out_of_memory
from imagerag.errors import UserError, first_line
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
    """Put a pipeline's weights where the mode wants them, wherever they were before.

    Raises:
        UserError: layer by layer, weights that were published in the few bits of bitsandbytes.
    """
    moved: Any = pipeline
    if mode == "sequential" and any(map(_is_in_few_bits, moved.components.values())):
        raise UserError(
            "weights that are quantised by bitsandbytes can't go through the device layer by layer; close what else "
            "uses its memory, or name another --generator"
        )
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


def _is_in_few_bits(part: Any) -> bool:
    return bool(getattr(part, "is_loaded_in_4bit", False) or getattr(part, "is_loaded_in_8bit", False))


def release(device: torch.device) -> None:
    """Give memory that nothing uses any more back to the device."""
    import gc

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


class RanOut(NamedTuple):
    """That memory ran out, in the library's words."""

    said: str


Result = TypeVar("Result")


def within_memory(work: Callable[[], Result], device: torch.device) -> Result | RanOut:
    """Return what ``work`` returns, or that memory ran out, which is then given back: the one place that catches that.

    Args:
        work: takes memory of the device or the host.
        device: whose memory is given back.
    """
    try:
        return work()
    except (RuntimeError, MemoryError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        ran_out = RanOut(first_line(error))
    release(device)  # after the error is gone, which holds tensors by its traceback
    return ran_out


def stepped_down(before: Memory, after: Memory) -> str:
    """Return what the person is told where less memory is used than was asked for."""
    return f"out of memory with --memory {before}; went on with {after}, which is slower"


def placed_or_less(
    pipeline: DiffusionPipeline, device: torch.device, mode: Memory, what: str
) -> tuple[Memory, tuple[str, ...]] | RanOut:
    """Put a pipeline's weights where the mode wants them; where memory runs out, as the next lower one does.

    Args:
        pipeline: whose weights are placed.
        device: where it computes.
        mode: how they are to be held.
        what: the model's name, for the person.

    Returns:
        The mode in which they are held, and what to tell of it. That memory ran out in 4 bits, from which there is no
        way down but to load the weights anew.

    Raises:
        UserError: memory runs out in every mode below as well.
    """
    notes: tuple[str, ...] = ()
    while True:
        ran_out = within_memory(partial(place, pipeline, device, mode), device)
        if ran_out is None:
            return mode, notes
        if mode == "4bit":
            return ran_out
        after = STEP_DOWN.get(mode)
        if after is None:
            raise UserError(
                f"{what!r} does not fit into the memory of {device}, also with --memory {mode} ({ran_out.said[:80]}); "
                "close what else uses it, or name another --generator"
            )
        notes += (stepped_down(mode, after),)
        mode = after


def with_less_memory(
    draw: Callable[[tuple[str, ...]], Result],
    device: torch.device,
    mode: Callable[[], Memory],
    step_down: Callable[[Memory], None],
    no_memory: Callable[[], Exception],
) -> Result:
    """Return what ``draw`` returns; where memory runs out, step down a mode and draw again, while there is one.

    Args:
        draw: is given what the person should be told: nothing at first, then that slower modes are used.
        device: where it draws.
        mode: returns how the weights are held.
        step_down: holds them in another mode.
        no_memory: makes the error where there is no lower mode.
    """
    notes: tuple[str, ...] = ()
    while True:
        drawn = within_memory(partial(draw, notes), device)
        if not isinstance(drawn, RanOut):
            return drawn
        before = mode()
        after = STEP_DOWN.get(before)
        if after is None:
            raise no_memory()
        try:
            step_down(after)
        except UserError as error:
            raise no_memory() from error
        notes += (stepped_down(before, mode()),)
