"""T2I-FactualBench: what it says has to be seen."""

import json
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import load_suite
from testing import miniature_suites
from testing.miniature_suites import json_lines


def test_concepts_and_what_is_said_of_them(tmp_path: Path) -> None:
    miniature_suites.factualbench(tmp_path)
    suite = load_suite("t2i-factualbench", tmp_path)
    assert [prompt.stratum for prompt in suite.prompts] == ["SKCM", "SKCI", "MKCC"]
    assert [[concept.text for concept in prompt.concepts] for prompt in suite.prompts] == [
        ["heckelphone"],
        ["Old Hat", "Worn Old Hat"],
        ["beagle dog", "Old Hat", "A beagle wears an Old Hat"],
    ]
    assert suite.prompts[1].concepts[1].question == "Is the Old Hat worn?"
    assert suite.prompts[2].concepts[2].kind == "relation"


def test_pictures_are_found_by_the_ends_of_their_paths(tmp_path: Path) -> None:
    miniature_suites.factualbench(tmp_path)
    suite = load_suite("t2i-factualbench", tmp_path)
    assert suite.prompts[0].images == ("data/concept_image/artifact/heckelphone.jpg",)
    assert suite.prompts[2].images == ("data/concept_image/artifact/Old_Hat.jpg",)
    assert "1 reference pictures are not there" in suite.notes[1]


def test_a_place_at_the_end_has_no_look(tmp_path: Path) -> None:
    miniature_suites.factualbench(tmp_path)
    file = tmp_path / "data" / "prompts" / "MKCC" / "prompt.jsonl"
    row = json.loads(file.read_text(encoding="utf-8"))
    row |= {"concept": ["cow", "hen", "Old Mill"], "addition": ["large", "small"], "task": "size"}
    json_lines(file, [row])
    concepts = load_suite("t2i-factualbench", tmp_path).prompts[2].concepts
    assert [concept.text for concept in concepts[3:]] == ["large cow", "small hen"]
    json_lines(file, [row | {"concept": ["cow"]}])
    with pytest.raises(UserError, match="has 2 in 'addition' for 1 concepts"):
        load_suite("t2i-factualbench", tmp_path)
