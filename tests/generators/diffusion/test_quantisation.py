"""Weights in 4 bits."""

import pytest
import torch

from imagerag.errors import UserError
from imagerag.generators.diffusion import quantisation as module
from imagerag.generators.diffusion.quantisation import has_4bit, quantisation

SIZES = {"transformer": 8e9, "text_encoder": 8e9, "vae": 0.2e9}


def test_without_the_library_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert not has_4bit()
    with pytest.raises(UserError, match=r"memory '4bit' needs 'bitsandbytes'.*pip install"):
        quantisation(SIZES, torch.bfloat16)


def test_the_large_parts_are_quantised() -> None:
    pytest.importorskip("bitsandbytes")
    assert quantisation(SIZES, torch.bfloat16).components_to_quantize == ["transformer", "text_encoder"]
