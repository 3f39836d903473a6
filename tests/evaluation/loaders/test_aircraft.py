"""FGVC-Aircraft."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import load_suite
from testing import miniature_suites
from testing.miniature_suites import text
from tests.evaluation.loaders.shown import asked, keys


def test_the_test_half_is_held_out(tmp_path: Path) -> None:
    miniature_suites.aircraft(tmp_path)
    suite = load_suite("fgvc-aircraft", tmp_path)
    assert asked(suite) == ["707-320", "Cessna 172"]
    assert suite.prompts[1].images == ("fgvc-aircraft-2013b/data/images/0747566.jpg",)
    assert keys("fgvc-aircraft", tmp_path) == [("707-320", "1025794.jpg")]


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    miniature_suites.aircraft(tmp_path)
    root = tmp_path / "fgvc-aircraft-2013b" / "data"
    (root / "images" / "0747566.jpg").unlink()
    assert load_suite("fgvc-aircraft", tmp_path).notes[0] == "1 pictures of the test half are not there"
    text(root / "images_variant_test.txt", "1514522")
    with pytest.raises(UserError, match=r"images_variant_test\.txt:1 is no picture with its variant"):
        load_suite("fgvc-aircraft", tmp_path)
