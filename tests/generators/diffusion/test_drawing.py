"""The diffusers generator: seeds, steps, previews and safety checkers."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from imagerag.errors import Cancelled, DrawingRefused
from imagerag.generators.base import DrawControl, DrawRequest
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from testing import tiny_models as tiny
from testing.diffusion_requests import PROMPT, REFERENCES, STEPS, draw, pixels, preset


class TestSeeds:
    @pytest.mark.slow
    def test_the_same_seed_draws_the_same_whatever_else_is_drawn(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        three = generator.draw(DrawRequest(PROMPT, (3, 4, 5), REFERENCES[:2], 0.5))
        alone = generator.draw(DrawRequest(PROMPT, (4,), REFERENCES[:2], 0.5))
        assert [one.seed for one in three] == [3, 4, 5]
        assert (pixels(three[1]) == pixels(alone[0])).all()
        assert not (pixels(three[0]) == pixels(three[1])).all()
        again = DiffusionGenerator(preset(folder, "sd15"))
        assert again.revision == generator.revision
        assert (pixels(again.draw(DrawRequest(PROMPT, (4,), REFERENCES[:2], 0.5))[0]) == pixels(alone[0])).all()

    @pytest.mark.slow
    def test_another_preset_is_another_revision(self, folder: Path) -> None:
        usual, longer = (DiffusionGenerator(preset(folder, "sd15", steps=steps)) for steps in (2, 3))
        assert usual.revision != longer.revision


@pytest.mark.slow
class TestWhileItDraws:
    def test_steps_are_told_and_it_stops_between_them(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        steps: list[tuple[int, int]] = []
        generator.draw(
            DrawRequest(PROMPT, (1, 2)), DrawControl(on_step=lambda done, total: steps.append((done, total)))
        )
        assert steps == [(k, 2 * STEPS) for k in range(1, 2 * STEPS + 1)]
        steps.clear()

        def check() -> None:
            if len(steps) == 2:
                raise Cancelled

        with pytest.raises(Cancelled):
            draw(generator, control=DrawControl(check, lambda done, total: steps.append((done, total))))
        assert len(steps) == 2
        assert draw(generator).image.size == (32, 32)  # and it draws on

    def test_previews_show_the_colours_of_what_comes(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15", steps=6))
        shown: list[Image.Image] = []
        draw(generator, control=DrawControl(on_preview=shown.append))
        assert [image.size for image in shown] == [(16, 16)]


@pytest.mark.slow
class TestSafety:
    def test_a_refused_drawing_is_never_a_black_image(self, folder: Path) -> None:
        tiny.save_sd15(folder / "checked", safety_checker=tiny.safety_checker())
        generator = DiffusionGenerator(preset(folder, "sd15", model=str(folder / "checked")))
        checker = generator.pipeline.safety_checker
        with torch.no_grad():
            checker.concept_embeds_weights.fill_(2.0)  # nothing is a concept
        passed = generator.draw(DrawRequest(PROMPT, (1, 2)))
        assert len(passed) == 2
        with torch.no_grad():
            checker.concept_embeds_weights.fill_(-2.0)  # everything is
        with pytest.raises(DrawingRefused, match="safety checker of 'sd15' refuses"):
            generator.draw(DrawRequest(PROMPT, (1, 2)))
