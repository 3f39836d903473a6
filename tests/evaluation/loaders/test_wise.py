"""WISE: what it says has to be seen."""

import json
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import load_suite
from testing import miniature_suites
from testing.miniature_suites import text


def test_a_prompt_means_its_explanation(tmp_path: Path) -> None:
    miniature_suites.wise(tmp_path)
    suite = load_suite("wise", tmp_path)
    assert [prompt.stratum for prompt in suite.prompts] == ["culture", "time", "physics"]
    (concept,) = suite.prompts[0].concepts
    assert concept.kind == "fact"
    assert concept.text == "This refers to Festival"
    assert "the thing of Festival" in concept.question
    assert suite.notes == ("its makers state no licence",)


def test_the_merged_file_stands_in(tmp_path: Path) -> None:
    miniature_suites.wise(tmp_path)
    folder = tmp_path / "data_verified"
    files = sorted(folder.iterdir())
    merged = [row for file in files for row in json.loads(file.read_text(encoding="utf-8"))]
    text(folder / "merge.json", json.dumps(merged))
    assert len(load_suite("wise", tmp_path).prompts) == 3, "not twice"
    files[0].unlink()
    assert len(load_suite("wise", tmp_path).prompts) == 3
    (folder / "merge.json").unlink()
    with pytest.raises(UserError, match=r"finds no file 'cultural_common_sense_verified\.json'"):
        load_suite("wise", tmp_path)


def test_the_first_release_is_told_apart(tmp_path: Path) -> None:
    text(tmp_path / "WISE_legacy" / "data" / "cultural_common_sense.json", "[]")
    with pytest.raises(UserError, match="the prompts of the first release alone"):
        load_suite("wise", tmp_path)


def test_other_rows_are_refused(tmp_path: Path) -> None:
    miniature_suites.wise(tmp_path)
    file = tmp_path / "data_verified" / "natural_science_verified.json"
    (row,) = json.loads(file.read_text(encoding="utf-8"))
    text(file, json.dumps([row | {"Category": "Cooking"}]))
    with pytest.raises(UserError, match=r"natural_science_verified\.json, entry 1 has the category 'Cooking'"):
        load_suite("wise", tmp_path)
    text(file, '{"a": 1}')
    with pytest.raises(UserError, match="holds dict, no list of objects"):
        load_suite("wise", tmp_path)
    text(file, "[", "oops")
    with pytest.raises(UserError, match=r"natural_science_verified\.json:2 is no JSON"):
        load_suite("wise", tmp_path)
