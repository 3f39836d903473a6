"""A run's words are encoded once, whatever is drawn of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from imagerag.generators.base import DrawRequest
from imagerag.generators.diffusion.prompt_cache import MOST_KEPT, remember_prompts
from testing.family_requests import load_family, references


class Pipeline:
    """Encodes words as diffusers' pipelines do, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def encode_prompt(self, prompt: Any, device: Any = None, image: Any = None, prompt_embeds: Any = None) -> Any:
        self.calls += 1
        return (self.calls,)


def test_the_same_words_are_encoded_once_and_others_anew() -> None:
    pipeline = Pipeline()
    remember_prompts(pipeline)
    remember_prompts(pipeline)  # placing the weights anew asks again
    first = pipeline.encode_prompt("an owl", device=torch.device("cpu"))
    assert pipeline.encode_prompt(prompt="an owl", device=torch.device("cpu")) is first
    assert pipeline.encode_prompt(["an owl"], device=torch.device("cpu")) is not first
    assert pipeline.encode_prompt("an owl", device=torch.device("meta")) is not first
    assert pipeline.calls == 3


def test_pictures_that_are_encoded_with_the_words_are_compared_by_their_pixels() -> None:
    pipeline = Pipeline()
    remember_prompts(pipeline)
    for _ in range(2):
        pipeline.encode_prompt("an owl", image=[Image.new("RGB", (4, 4), "red")])
        pipeline.encode_prompt("an owl", image=[Image.new("RGB", (4, 4), "blue")])
        pipeline.encode_prompt("an owl", image=torch.zeros(1, 3, 4, 4))
    assert pipeline.calls == 3


def test_what_cannot_be_compared_is_not_kept() -> None:
    pipeline = Pipeline()
    remember_prompts(pipeline)
    for _ in range(2):
        pipeline.encode_prompt("an owl", image=object())
    assert pipeline.calls == 2


def test_old_words_are_forgotten() -> None:
    pipeline = Pipeline()
    remember_prompts(pipeline)
    for number in range(MOST_KEPT + 1):
        pipeline.encode_prompt(f"{number} owls")
    pipeline.encode_prompt("0 owls")
    assert pipeline.calls == MOST_KEPT + 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sdxl", "sd35", "flux", "flux2-klein", "kolors"])
def test_candidates_and_redraws_encode_their_words_once(name: str, family_folder: Path) -> None:
    generator = load_family(family_folder, name)
    calls: list[int] = []
    generator.pipeline.text_encoder.register_forward_hook(lambda *_: calls.append(1))
    first = generator.draw(DrawRequest("an owl", (1, 2)))
    once = len(calls)
    again = generator.draw(DrawRequest("an owl", (1, 2)))
    assert len(calls) == once
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(np.asarray(one.image), np.asarray(other.image))
    generator.draw(DrawRequest("an owl", (1,), references(1), 0.5))
    conditioned = len(calls)
    generator.draw(DrawRequest("an owl", (3,), references(1), 0.9))
    assert len(calls) == conditioned
