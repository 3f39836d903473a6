"""References without their surroundings."""

import sys

import pytest
from PIL import Image

from imagerag.errors import InvalidArgument, UserError
from imagerag.generators.base import Reference
from imagerag.generators.isolation import Region, has_surroundings, isolated, isolation_for
from testing.stored_images import picture


class Crops:
    isolation = "crop"


def test_who_asks_gets_it_and_else_what_measures_best_for_the_generator() -> None:
    assert isolation_for(Crops(), None) == "crop"  # type: ignore[arg-type]
    assert isolation_for(Crops(), "none") == "none"  # type: ignore[arg-type]
    assert isolation_for(object(), None) == "none"  # type: ignore[arg-type]
    assert isolation_for(object(), "crop") == "crop"  # type: ignore[arg-type]


def test_pictures_on_a_plain_or_no_ground_have_no_surroundings() -> None:
    busy = picture(size=(64, 64))
    assert has_surroundings(busy)
    assert has_surroundings(busy.convert("RGBA"))
    plain = Image.new("RGB", (64, 64), "teal")
    plain.paste(busy.crop((0, 0, 30, 30)), (10, 10))
    assert not has_surroundings(plain)
    clear = busy.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((64, 64)))
    assert not has_surroundings(clear)


def test_a_part_is_another_picture_for_whoever_keeps_what_it_has_made_of_one() -> None:
    whole = Reference(picture(size=(64, 64)), "owl", "fetched", "ab" * 32, 0.3)
    assert isolated(whole, None) is whole
    part, other = isolated(whole, Region((4, 8, 20, 40))), isolated(whole, Region((4, 8, 21, 40)))
    assert part.image.tobytes() == whole.image.crop((4, 8, 20, 40)).tobytes()
    assert (part.concept, part.kind, part.scale) == ("owl", "fetched", 0.3)
    assert len({whole.sha256, part.sha256, other.sha256}) == 3
    assert isolated(whole, Region((4, 8, 20, 40))).sha256 == part.sha256
    assert isolated(Reference(whole.image, "owl"), Region((0, 0, 2, 2))).sha256 == ""


@pytest.mark.parametrize("region", [(0, 0, 65, 10), (-1, 0, 4, 4), (5, 5, 5, 9), (9, 9, 3, 12)])
def test_what_is_no_part_of_the_picture_is_refused(region: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidArgument, match="64x64"):
        isolated(Reference(picture(size=(64, 64)), "owl"), Region(region))


def test_a_thing_is_cut_out_of_a_busy_ground_and_the_same_again() -> None:
    pytest.importorskip("cv2")
    page = picture(size=(120, 120))
    page.paste("white", (40, 40, 80, 80))
    whole = Reference(page, "square", "fetched", "ab" * 32)
    part = isolated(whole, Region((30, 30, 90, 90), cut_out=True))
    alpha = part.image.getchannel("A")
    assert (part.image.size, alpha.getpixel((30, 30))) == ((60, 60), 255)
    assert sum(alpha.getpixel((x, 2)) < 128 for x in range(60)) > 50  # type: ignore[operator, misc]
    assert isolated(whole, Region((30, 30, 90, 90), cut_out=True)).image.tobytes() == part.image.tobytes()
    assert part.sha256 != isolated(whole, Region((30, 30, 90, 90))).sha256


def test_what_can_not_be_told_apart_is_only_cropped() -> None:
    pytest.importorskip("cv2")
    flat = Reference(Image.new("RGB", (40, 40), "red"), "square")
    for box in ((0, 0, 40, 40), (5, 5, 30, 30)):
        assert isolated(flat, Region(box, cut_out=True)).image.mode == "RGB"


def test_without_the_library_the_next_best_is_taken_and_who_asks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cuts:
        isolation = "cut"

    monkeypatch.setattr("imagerag.generators.isolation.can_cut", lambda: False)
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert isolation_for(Cuts(), None) == "crop"  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"pip install 'imagerag\[cut\]'"):
        isolation_for(Cuts(), "cut")  # type: ignore[arg-type]


def test_a_masked_picture_keeps_its_size_and_shows_that_part_alone() -> None:
    whole = Reference(picture(size=(64, 48)), "owl", "fetched", "ab" * 32)
    part = isolated(whole, Region((4, 8, 20, 40), masked=True))
    assert (part.image.mode, part.image.size) == ("RGBA", (64, 48))
    assert part.image.getchannel("A").getbbox() == (4, 8, 20, 40)
    assert part.image.crop((4, 8, 20, 40)).convert("RGB").tobytes() == whole.image.crop((4, 8, 20, 40)).tobytes()
    assert part.sha256 not in (whole.sha256, isolated(whole, Region((4, 8, 20, 40))).sha256)
    assert Region((4, 8, 20, 40), masked=True).text == "seen only in 16x32"
