"""Near-duplicates are marked and folded."""

from pathlib import Path

import pytest

from imagerag.index.base import SearchOptions
from imagerag.index.user.duplicates import PerceptualHashIndex, fold_near_duplicates, near
from imagerag.index.user.store import UserPictures
from testing.user_pictures import save_picture


@pytest.mark.slow
def test_near_duplicates_are_flagged_and_folded(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "owl.png", "owl")
    save_picture(tmp_path / "p", "owl smaller.jpg", "owl")
    save_picture(tmp_path / "p", "cat.png", "cat")
    outcome = own.add([tmp_path / "p"])
    (pair,) = outcome.duplicates
    assert {Path(pair["path"]).name, Path(pair["like"]).name} == {"owl.png", "owl smaller.jpg"}
    assert len(own.search(["an owl"], 3)[0]) == 3
    folded = own.search(["an owl"], 3, SearchOptions(fold=True))[0]
    assert len(folded) == 2
    assert sum(hit.title.startswith("owl") for hit in folded) == 1


@pytest.mark.parametrize(
    ("other", "expected"), [(0b1, True), (0b1110, True), (0b1111 << 20, False), (0b111 << 60, True)]
)
def test_three_bits_of_64_may_differ(other: int, expected: bool) -> None:
    look = 0x0123_4567_89AB_CDEF
    assert near(look, look ^ other) is expected
    index = PerceptualHashIndex([("first", look)])
    assert index.like("second", look ^ other) == ("first" if expected else None)
    assert index.like("first", look) is None, "a picture is no duplicate of itself"


def test_flat_pictures_are_duplicates_of_none() -> None:
    index = PerceptualHashIndex([("flat", 0)])
    assert not near(0, 0)
    assert index.like("other", 0) is None


def test_of_near_duplicates_the_first_stays() -> None:
    looks = {"best": 0b1111, "nearly it": 0b1110, "flat": 0, "flat too": 0, "other": 0xFFFF0000}
    assert fold_near_duplicates(list(looks), looks.__getitem__) == ["best", "flat", "flat too", "other"]
