"""KITTEN: what it says has to be seen."""

import json
from pathlib import Path

import pytest

from imagerag.evaluation.loaders.registry import load_suite
from testing import miniature_suites
from testing.miniature_suites import text


def test_an_entity_has_its_folder(tmp_path: Path) -> None:
    miniature_suites.kitten(tmp_path)
    suite = load_suite("kitten", tmp_path)
    assert [prompt.stratum for prompt in suite.prompts] == ["landmark", "landmark", "insect"]
    assert suite.prompts[1].images == ("evaluation/landmark/old_mill/1.jpg",)
    assert suite.retrieval == str(tmp_path / "support")
    assert "layout that was not checked" in suite.notes[0]
    assert suite.notes[1] == "1 of 3 prompts have no real picture to compare with"


@pytest.mark.parametrize(
    "rows",
    [
        [{"Prompt": "a mill", "Entity": "Old Mill"}],
        {"1": {"text": "a mill", "entity_name": "Old Mill", "task": "basic"}},
    ],
)
def test_other_tables(rows: object, tmp_path: Path) -> None:
    text(tmp_path / "prompts" / "all.json", json.dumps(rows))
    (prompt,) = load_suite("kitten", tmp_path).prompts
    assert (prompt.text, prompt.concepts[0].text) == ("a mill", "Old Mill")
