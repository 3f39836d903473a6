"""The words that a diffusers pipeline is given, and what its text encoder cuts."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.words import beyond, conditioned, plain
from testing.diffusion_requests import REFERENCES, preset


class TestWords:
    @pytest.mark.slow
    def test_the_papers_form_where_it_fits(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        request = DrawRequest("an owl", (1,), REFERENCES[:1], 0.5)
        assert generator.draw(request)[0].facts["words"] == "According to this image of owl, generate an owl"

    @pytest.mark.slow
    def test_what_is_cut_is_said(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        prompt = "x" * 70 + "owlandmoon"  # the tokenizer here spells: one token a letter
        drawing = generator.draw(DrawRequest(prompt, (1,), REFERENCES[:1], 0.5))[0]
        assert drawing.facts["words"] == prompt
        assert drawing.facts["notes"] == ["the model's text encoder ends before the prompt does; not read: 'dmoon'"]


def test_the_conditioned_form_names_each_concept_once_and_is_taken_off_again() -> None:
    image = Image.new("RGB", (8, 8))
    two = [Reference(image, "owl"), Reference(image, "owl")]
    assert conditioned("an owl", two) == "According to these images of owl, generate an owl"
    assert conditioned("an owl", [Reference(image, "")]) == "According to this image of the subject, generate an owl"
    assert conditioned("an owl", two, "{number}") == "According to these images of 1, 2, generate an owl"
    assert conditioned("an owl", []) == "an owl"
    assert plain(conditioned("an owl", two)) == "an owl"


def test_a_pipeline_without_a_tokenizer_cuts_nothing() -> None:
    assert beyond(SimpleNamespace(), "x" * 1000) == ""
