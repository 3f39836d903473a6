"""References as each family wants their pixels: large enough, stitched, or squared."""

import pytest
from PIL import Image

from imagerag.generators.diffusion.edit import framed, large_enough, stitched
from imagerag.generators.diffusion.ip_adapter import LONGEST, squared


@pytest.mark.parametrize(("size", "expected"), [((10, 20), (64, 128)), ((64, 64), (64, 64)), ((300, 100), (300, 100))])
def test_the_shorter_side_is_made_large_enough(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert large_enough(Image.new("RGB", size), 64).size == expected


def test_images_are_stitched_side_by_side_at_one_height() -> None:
    sheet = stitched([Image.new("RGB", (20, 10), "red"), Image.new("RGB", (10, 20), "blue")], height=40)
    assert sheet.size == (80 + 20, 40)
    assert (sheet.getpixel((10, 20)), sheet.getpixel((90, 20))) == ((255, 0, 0), (0, 0, 255))


def test_a_square_loses_nothing_and_is_white_around() -> None:
    square = squared(Image.new("RGBA", (20, 10), (255, 0, 0, 255)))
    assert (square.mode, square.size) == ("RGB", (20, 20))
    assert (square.getpixel((0, 10)), square.getpixel((0, 0))) == ((255, 0, 0), (255, 255, 255))


def test_the_square_around_a_strip_is_no_larger_than_what_is_seen() -> None:
    square = squared(Image.new("RGB", (60_000, 30), "red"))
    assert square.size == (LONGEST, LONGEST)
    assert square.getpixel((LONGEST // 2, LONGEST // 2)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("size", "wanted"), [((20, 10), (1024, 1024)), ((10, 20), (1344, 768)), ((30, 10), (300, 100))]
)
def test_a_frame_has_the_proportions_that_are_wanted_and_cuts_nothing_off(
    size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    sheet = framed(Image.new("RGB", size, "red"), wanted)
    assert sheet.width >= size[0]
    assert sheet.height >= size[1]
    assert abs(sheet.width / sheet.height - wanted[0] / wanted[1]) < 0.06
    assert sheet.getpixel((sheet.width // 2, sheet.height // 2)) == (255, 0, 0)
