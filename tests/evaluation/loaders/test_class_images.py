"""Suites of classes."""

from pathlib import Path

from imagerag.evaluation.loaders.class_images import ImageClass, class_suite
from imagerag.evaluation.loaders.data_folder import DataFolder
from imagerag.evaluation.records import Concept
from testing.miniature_suites import picture


def test_a_class_is_asked_for_by_its_name(tmp_path: Path) -> None:
    folder = DataFolder("birds", tmp_path, "nowhere")
    real = picture(tmp_path / "real" / "1.jpg")
    suite = class_suite(folder, [ImageClass("1", "Barn Owl", (real,)), ImageClass("2", "Ibis")], licence="CC0-1.0")
    assert suite.prompts[0].name == "0001-barn-owl"
    assert suite.prompts[0].concepts == (Concept("Barn Owl", "thing", "Barn Owl"),)
    assert suite.prompts[0].images == ("real/1.jpg",)
    assert suite.notes == ("1 of 2 classes have no real picture to compare with (Ibis)",)
