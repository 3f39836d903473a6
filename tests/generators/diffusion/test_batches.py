"""Candidates drawn at once are the same pictures, up to rounding, as drawn one after the other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from imagerag.generators.base import DrawRequest
from testing.family_requests import load_family, references

OWLS = DrawRequest("an owl", (3, 4))
CLOSE = 3.0
"""Mean difference of pixels, 0..255: what another order of additions makes of random weights."""


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize(
    "name", ["sd15", "sdxl", "kolors", "sd35", "flux", "omnigen", "kontext", "flux2-klein", "z-image-turbo", "chroma"]
)
def test_a_batch_has_the_pictures_of_its_seeds(name: str, count: int, family_folder: Path) -> None:
    generator = load_family(family_folder, name)
    if count > generator.max_references:
        return
    request = replace(OWLS, references=references(count), reference_scale=0.6)
    calls: list[int] = []
    denoiser = getattr(generator.pipeline, "transformer", None) or generator.pipeline.unet
    denoiser.register_forward_hook(lambda *_: calls.append(1))
    single = generator.draw(request)
    one_by_one = len(calls)
    batch = generator.draw(replace(request, batch=True))
    assert [drawing.seed for drawing in batch] == [3, 4]
    for one, other in zip(single, batch, strict=True):
        pixels = np.asarray(one.image, np.int16), np.asarray(other.image, np.int16)
        assert np.abs(pixels[0] - pixels[1]).mean() < CLOSE
    assert np.abs(np.asarray(batch[0].image, np.int16) - np.asarray(batch[1].image, np.int16)).mean() > CLOSE
    told = [note for note in batch[0].facts["notes"] if "--batch" in note]  # type: ignore[attr-defined]
    if told:
        assert "batch" not in batch[0].facts
    else:
        assert len(calls) - one_by_one < one_by_one
        assert all(drawing.facts["batch"] == [3, 4] for drawing in batch)
    assert "batch" not in single[0].facts


@pytest.mark.slow
def test_a_batch_that_memory_is_too_little_for_is_drawn_one_by_one_and_told(family_folder: Path) -> None:
    generator = load_family(family_folder, "sdxl")
    single = generator.draw(OWLS)
    narrow = generator.pipeline.unet.register_forward_pre_hook(_takes_one_picture)
    try:
        drawn = generator.draw(replace(OWLS, batch=True))
    finally:
        narrow.remove()
    assert [drawing.seed for drawing in drawn] == [3, 4]
    for one, other in zip(single, drawn, strict=True):
        assert one.image.tobytes() == other.image.tobytes()
    assert generator.memory == "full", "the weights stay where they are"
    told = "out of memory with --batch of 2; drew them one after the other, which is slower"
    assert [drawing.facts["notes"] for drawing in drawn] == [[told], []]
    assert all("batch" not in drawing.facts for drawing in drawn), "each is replayed by itself"


def _takes_one_picture(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
    if given[0].shape[0] > 2:  # with its half without words, for contrast
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
