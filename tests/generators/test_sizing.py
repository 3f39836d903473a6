"""What is drawn for a size, and what of the drawing is kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest
from imagerag.generators.sizing import SDXL_CANVASES, Grid, cropped_size, draw_sized, nearest_canvas
from imagerag.picture_size import PictureSize


class Fixed:
    """Draws a horizontal ramp of one size, whatever is asked for, as a package's generator may."""

    name, revision, max_references = "fixed", "1", 0

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        ramp = np.tile(np.arange(120, dtype=np.uint8)[None, :, None], (60, 1, 3))
        return [Drawing(Image.fromarray(ramp), seed, {"notes": ["own"]}) for seed in request.seeds]


def drawn(size: str | None) -> Drawing:
    wanted = PictureSize.parse(size) if size else None
    return draw_sized(Fixed(), DrawRequest("an owl", (1,), size=wanted), UNCONTROLLED)[0]


@pytest.mark.parametrize(
    ("wanted", "canvas"),
    [
        ("1024x1024", (1024, 1024)), ("16:9", (1344, 768)), ("1920x1080", (1344, 768)), ("9:16", (768, 1344)),
        ("3:2", (1216, 832)), ("4:3", (1152, 896)), ("4096x16", (2048, 512)), ("64x64", (1024, 1024)),
    ],
)  # fmt: skip
def test_the_nearest_of_sdxl_s_sizes_is_drawn(wanted: str, canvas: tuple[int, int]) -> None:
    assert nearest_canvas(PictureSize.parse(wanted), SDXL_CANVASES, (1024, 1024)) == canvas


def test_a_grid_has_all_sizes_within_its_bounds() -> None:
    canvases = Grid(16, (32, 64), (1024, 3000)).canvases()
    assert canvases == ((32, 32), (32, 48), (32, 64), (48, 32), (48, 48), (64, 32))


def test_nothing_is_done_to_what_was_not_asked_for() -> None:
    drawing = drawn(None)
    assert drawing.image.size == (120, 60)
    assert drawing.facts == {"notes": ["own"]}


def test_what_has_the_ratio_is_scaled_without_a_note() -> None:
    drawing = drawn("240x120")
    assert drawing.image.size == (240, 120)
    assert drawing.facts == {"notes": ["own"], "drawn_at": [120, 60]}


@pytest.mark.parametrize(("wanted", "size"), [("1:1", (60, 60)), ("30x30", (30, 30))])
def test_what_has_another_ratio_is_cropped_at_the_middle_and_told(wanted: str, size: tuple[int, int]) -> None:
    drawing = drawn(wanted)
    assert drawing.image.size == size
    assert abs(int(np.asarray(drawing.image)[..., 0].mean()) - 59) <= 1
    notes = drawing.facts["notes"]
    assert notes == ["own", f"drawn at 120x60 and cropped to 60x60, since {wanted} is asked for"]


@given(st.integers(16, 4096), st.integers(16, 4096), st.integers(1, 100), st.integers(1, 100))
def test_what_is_kept_lies_within_and_has_the_ratio(width: int, height: int, across: int, down: int) -> None:
    kept = cropped_size((width, height), PictureSize(across, down, is_exact=False))
    assert 1 <= kept[0] <= width
    assert 1 <= kept[1] <= height
    assert width in kept or height in kept
    off = abs(kept[0] / kept[1] * down / across - 1)
    assert off <= 0.0101 or abs(kept[0] * down - kept[1] * across) <= max(across, down) or 1 in kept


def test_less_than_a_hundredth_is_not_cropped() -> None:
    assert cropped_size((1360, 768), PictureSize(16, 9, is_exact=False)) == (1360, 768)
    assert cropped_size((1344, 768), PictureSize(16, 9, is_exact=False)) == (1344, 756)
