"""CUB-200."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import load_suite
from testing import miniature_suites
from testing.miniature_suites import text
from tests.evaluation.loaders.shown import asked, keys


def test_the_test_half_is_held_out(tmp_path: Path) -> None:
    miniature_suites.cub(tmp_path)
    suite = load_suite("cub-200", tmp_path)
    assert asked(suite) == ["Black footed Albatross", "Laysan Albatross"]
    assert suite.prompts[0].images == ("CUB_200_2011/images/001.Black_footed_Albatross/Black_2.jpg",)
    assert keys("cub-200", tmp_path) == [("1", "Black_1.jpg"), ("1", "Black_3.jpg"), ("2", "Laysan_1.jpg")]
    assert suite.notes == ("1 of 2 classes have no real picture to compare with (Laysan Albatross)",)


def test_what_is_wrong_is_told_by_line(tmp_path: Path) -> None:
    miniature_suites.cub(tmp_path)
    root = tmp_path / "CUB_200_2011"
    (root / "images" / "001.Black_footed_Albatross" / "Black_2.jpg").unlink()
    assert "1 pictures that images.txt lists are not there" in load_suite("cub-200", tmp_path).notes
    text(root / "image_class_labels.txt", "1 1")
    with pytest.raises(UserError, match=r"picture '2' of .* has no file or no class"):
        load_suite("cub-200", tmp_path)
    text(root / "classes.txt", "1")
    with pytest.raises(UserError, match=r"classes\.txt:1 is no number with something behind it: '1'"):
        load_suite("cub-200", tmp_path)
