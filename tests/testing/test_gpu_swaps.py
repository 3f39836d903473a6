"""Moves of models to the device are counted and timed."""

from types import SimpleNamespace
from typing import Any

import torch

from testing.gpu_swaps import swaps_timed


class Mover:
    """A hook that moves a model to another device, as accelerate's does."""

    def pre_forward(self, module: torch.nn.Module, *arguments: Any) -> Any:
        module.to("meta")
        return arguments


def test_moves_are_counted_and_what_lies_there_already_is_not() -> None:
    model: Any = torch.nn.Linear(2, 2)
    model._hf_hook = Mover()
    with swaps_timed(SimpleNamespace(components={"a": model, "b": object()})) as swaps:
        assert model._hf_hook.pre_forward(model, 1) == (1,)
        model._hf_hook.pre_forward(model, 1)
    assert swaps.count == 1
    assert swaps.seconds > 0
    model.to_empty(device="cpu")
    model._hf_hook.pre_forward(model)
    assert swaps.count == 1


def test_where_nothing_is_moved_as_a_whole_none_are_counted() -> None:
    with swaps_timed(SimpleNamespace(components={"a": torch.nn.Linear(2, 2)})) as swaps:
        pass
    assert swaps.count is None
