"""Weights that are not on this machine."""

from imagerag.errors import UserError
from imagerag.model_hub import weights_missing


def test_missing_weights_are_named_with_the_command_that_fetches_them() -> None:
    error = weights_missing("somebody/model", "the hub can't be reached")
    assert isinstance(error, UserError)
    assert "somebody/model" in str(error)
    assert "the hub can't be reached" in str(error)
    assert "hf download somebody/model" in str(error)
