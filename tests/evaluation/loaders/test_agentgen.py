"""AgentGen-Bench: what it says has to be seen."""

import json
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import load_suite
from testing import miniature_suites
from testing.miniature_suites import json_lines


def test_items_of_the_checklist_become_questions(tmp_path: Path) -> None:
    miniature_suites.agentgen(tmp_path)
    suite = load_suite("agentgen-bench", tmp_path)
    assert [prompt.stratum for prompt in suite.prompts] == ["no-search", "textual-search", "visual-search"]
    assert suite.prompts[0].name == "bench-0001"
    questions = [concept.question for prompt in suite.prompts for concept in prompt.concepts]
    assert questions[0] == "Is this true of the image: 'a bicycle is shown'?"
    assert questions[2] == "Does the chart have two curves?"
    assert suite.prompts[2].images == ("references/bench_0003/mascot.jpg",)


def test_the_small_half(tmp_path: Path) -> None:
    miniature_suites.agentgen(tmp_path)
    assert [prompt.name for prompt in load_suite("agentgen-bench-testmini", tmp_path).prompts] == ["bench-0001"]
    rows = [json.loads(line) for line in (tmp_path / "eval_metadata.jsonl").read_text().splitlines()]
    json_lines(tmp_path / "eval_metadata.jsonl", [{**row, "subset": None} for row in rows])
    with pytest.raises(UserError, match="whose field 'subset' has 'testmini' in it"):
        load_suite("agentgen-bench-testmini", tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bench_id": "bench_0002"}, "has the bench_id 'bench_0002' for a second time"),
        ({"verification_checklist": []}, "has no 'verification_checklist'"),
        ({"verification_checklist": [3]}, "no words of an item"),
        ({"visual_reference_slots": [{"relative_path": "../secret.jpg"}]}, "outside of the set"),
        ({"visual_reference_slots": [{}]}, "no 'relative_path'"),
        ({"visual_reference_slots": "mascot.jpg"}, "has 'mascot.jpg' in 'visual_reference_slots', no list"),
    ],
)
def test_other_lines_are_refused(change: dict[str, object], says: str, tmp_path: Path) -> None:
    miniature_suites.agentgen(tmp_path)
    file = tmp_path / "eval_metadata.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    json_lines(file, [*rows[:2], rows[2] | change])
    with pytest.raises(UserError, match=says) as refused:
        load_suite("agentgen-bench", tmp_path)
    assert str(refused.value).startswith(f"{file}:3 ")


def test_missing_pictures_are_told(tmp_path: Path) -> None:
    miniature_suites.agentgen(tmp_path)
    (tmp_path / "references" / "bench_0003" / "mascot.jpg").unlink()
    assert "1 pictures that eval_metadata.jsonl names are not there" in load_suite("agentgen-bench", tmp_path).notes
