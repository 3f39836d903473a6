"""How often weights are moved to the device during a drawing, and how long that takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch


@dataclass
class Swaps:
    """Models that were moved to the device.

    Attributes:
        count: how many; ``None`` where no model is moved as a whole.
        seconds: that it took, moving away the one before included.
    """

    count: int | None = None
    seconds: float = 0.0


@contextmanager
def swaps_timed(pipeline: Any) -> Iterator[Swaps]:
    """Time the moves of whole models until the block ends: those of ``enable_model_cpu_offload``, by their hooks.

    Layers that come and go one by one (group offload) come by streams beside the computing, and can't be timed apart.
    Pipelines make their hooks anew after each drawing, so that this watches one.
    """
    swaps = Swaps()
    models = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    hooks: list[Any] = [part._hf_hook for part in models if hasattr(part, "_hf_hook")]
    if hooks:
        swaps.count = 0
    for hook in hooks:
        hook.pre_forward = _timed(hook.pre_forward, hook, swaps)
    try:
        yield swaps
    finally:
        for hook in hooks:
            hook.__dict__.pop("pre_forward", None)


def _timed(move: Any, hook: Any, swaps: Swaps) -> Any:
    def timed(module: torch.nn.Module, *arguments: Any, **options: Any) -> Any:
        before = next(module.parameters()).device
        _wait()
        began = time.perf_counter()
        moved = move(module, *arguments, **options)
        _wait()
        if next(module.parameters()).device != before:
            assert swaps.count is not None
            swaps.count += 1
            swaps.seconds += time.perf_counter() - began
        return moved

    return timed


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
