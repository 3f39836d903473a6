"""The words that a diffusers pipeline is given, and what its text encoder cuts."""

from pathlib import Path

from imagerag.generators.base import DrawRequest
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from testing.diffusion_requests import REFERENCES, preset


class TestWords:
    def test_the_papers_form_where_it_fits(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        request = DrawRequest("an owl", (1,), REFERENCES[:1], 0.5)
        assert generator.draw(request)[0].facts["words"] == "According to this image of owl, generate an owl"

    def test_what_is_cut_is_said(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        prompt = "x" * 70 + "owlandmoon"  # the tokenizer here spells: one token a letter
        drawing = generator.draw(DrawRequest(prompt, (1,), REFERENCES[:1], 0.5))[0]
        assert drawing.facts["words"] == prompt
        assert drawing.facts["notes"] == ["the model's text encoder ends before the prompt does; not read: 'ndmoon'"]
