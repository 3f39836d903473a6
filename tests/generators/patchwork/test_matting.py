"""Cutting things out of pictures."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.patchwork import PatchworkGenerator
from imagerag.generators.patchwork.matting import cut_out
from testing.patchwork_requests import objects, pixels


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(1, 1), (300, 17), (40, 400), (640, 480)])
@pytest.mark.parametrize("busy", [False, True], ids=["plain border", "busy background"])
def test_any_photo_can_be_a_reference(patchwork: PatchworkGenerator, width: int, height: int, busy: bool) -> None:
    photo = Image.new("RGB", (width, height), (40, 90, 140))
    if busy:
        noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
        photo = Image.fromarray(noise, "RGB")
    ImageDraw.Draw(photo).ellipse([width // 4, height // 4, width * 3 // 4, height * 3 // 4], (250, 20, 20))
    drawing = patchwork.draw(DrawRequest("my mug", (5,), (Reference(photo, "my mug", "subject"),), 0.95))[0]
    redness = pixels(drawing)[..., 0] - pixels(drawing)[..., 1:].max(axis=-1)
    (thing,) = objects(drawing)
    assert any(example["reference"] for example in thing["examples"]), "the photo is drawn from"  # type: ignore[attr-defined]
    if min(width, height) >= 4:  # a smaller photo has no spot
        assert redness.max() > 0.5, "the red spot is in the drawing"


def test_a_plain_border_is_cut_away_and_a_busy_one_is_kept() -> None:
    photo = Image.new("RGB", (200, 100), "white")
    ImageDraw.Draw(photo).rectangle([60, 30, 139, 79], "red", "black", 4)
    ImageDraw.Draw(photo).rectangle([90, 45, 109, 64], "white")
    cut = cut_out(photo)
    assert cut.shape[:2] == pytest.approx((48, 77), abs=3)
    assert cut[2:-2, 2:-2, 3].min() == 1, "white inside the object stays"
    busy = Image.fromarray(np.random.default_rng(1).integers(0, 255, (50, 60, 3), dtype=np.uint8), "RGB")
    assert cut_out(busy).shape == (50, 60, 4)
