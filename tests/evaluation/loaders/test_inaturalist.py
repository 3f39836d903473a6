"""iNaturalist of 2017, 2018 and 2021."""

import json
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import load_suite
from testing import miniature_suites
from testing.miniature_suites import text
from tests.evaluation.loaders.shown import asked, keys


def test_annotations(tmp_path: Path) -> None:
    miniature_suites.inaturalist_2017(tmp_path)
    suite = load_suite("inaturalist", tmp_path)
    assert asked(suite) == ["Cyanocitta cristata", "Lumbricus terrestris"]
    assert suite.prompts[0].images == ("train_val_images/Aves/Cyanocitta cristata/b.jpg",)
    assert suite.retrieval == "", "both halves lie in one folder"
    assert keys("inaturalist", tmp_path) == [("0", "a.jpg")]


def test_folders_of_2021(tmp_path: Path) -> None:
    miniature_suites.inaturalist_2021(tmp_path)
    suite = load_suite("inaturalist", tmp_path)
    assert asked(suite) == ["Cyanocitta cristata"]
    assert suite.retrieval == str(tmp_path / "train_mini")
    assert [name for _, name in keys("inaturalist", tmp_path)] == ["train_mini.jpg"]


def test_names_of_2018_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    miniature_suites.inaturalist_2017(tmp_path)
    told = json.loads((tmp_path / "val2017.json").read_text(encoding="utf-8"))
    told["categories"] = [{"id": 0, "name": "0", "supercategory": "Aves"}]
    text(tmp_path / "val2017.json", json.dumps(told))
    with pytest.raises(UserError, match=r"numbers in place of names, and no 'categories\.json'"):
        load_suite("inaturalist", tmp_path)
    text(tmp_path / "categories.json", json.dumps([{"id": 0, "name": "Cyanocitta cristata"}]))
    assert asked(load_suite("inaturalist", tmp_path)) == ["Cyanocitta cristata"]


def test_annotations_that_lack_something_are_refused(tmp_path: Path) -> None:
    miniature_suites.inaturalist_2017(tmp_path)
    told = json.loads((tmp_path / "val2017.json").read_text(encoding="utf-8"))
    told["annotations"][0]["image_id"] = 9
    text(tmp_path / "val2017.json", json.dumps(told))
    with pytest.raises(UserError, match=r"val2017\.json, annotations 1 is of picture '9', which is not listed"):
        load_suite("inaturalist", tmp_path)
    text(tmp_path / "val2017.json", json.dumps({**told, "images": []}))
    with pytest.raises(UserError, match="has nothing in 'images'"):
        load_suite("inaturalist", tmp_path)
