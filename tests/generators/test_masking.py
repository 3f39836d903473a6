"""What a mask marks, and that nothing changes outside of it."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagerag.errors import UserError
from imagerag.generators.base import Drawing, DrawRequest, Redraw
from imagerag.generators.masking import kept_outside, read_mask, sized_as_image


def box(mode: str = "L", size: tuple[int, int] = (40, 20)) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rectangle((10, 5, 19, 9), fill=255)
    if mode != "RGBA":
        return mask.convert(mode)
    image = Image.new("RGBA", size, "black")
    image.putalpha(mask.point(lambda value: 255 - value))
    return image


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "RGBA"])
def test_white_or_transparent_is_marked(mode: str) -> None:
    mask = read_mask(box(mode), (40, 20))
    assert (mask.mode, mask.size, mask.getbbox()) == ("L", (40, 20), (10, 5, 20, 10))
    assert set(np.unique(np.asarray(mask))) == {0, 255}


def test_a_mask_of_the_same_shape_is_scaled_and_another_is_refused() -> None:
    assert read_mask(box(), (80, 40)).getbbox() == (20, 10, 40, 20)
    with pytest.raises(UserError, match="the mask has 40x20 pixels, and the image 40x40"):
        read_mask(box(), (40, 40))


@pytest.mark.parametrize("nothing", [Image.new("L", (40, 20), 0), Image.new("RGBA", (40, 20), "black")])
def test_a_mask_that_marks_nothing_is_refused(nothing: Image.Image) -> None:
    with pytest.raises(UserError, match="marks nothing"):
        read_mask(nothing, (40, 20))


@pytest.mark.parametrize("drawn", [(40, 20), (128, 128), (7, 5)])
def test_outside_each_pixel_is_the_images_whatever_size_was_drawn(drawn: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (20, 40, 3), dtype=np.uint8)
    image, mask = Image.fromarray(noise), read_mask(box(), (40, 20))
    whole = kept_outside(Drawing(Image.new("RGB", drawn, (1, 2, 3)), 7), Redraw(image, mask))
    now, marked = np.asarray(whole.image), np.asarray(mask) == 255
    assert (now[~marked] == noise[~marked]).all()
    assert (now[marked] == (1, 2, 3)).all()
    assert whole.facts["redrawn"] == [10, 5, 20, 10]


def test_a_part_is_drawn_at_its_images_size() -> None:
    image = Image.new("RGB", (40, 20))
    asked = sized_as_image(DrawRequest("an owl", (7,), redraw=Redraw(image, box())))
    assert str(asked.size) == "40x20"
