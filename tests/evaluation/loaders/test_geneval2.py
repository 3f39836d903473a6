"""GenEval 2: what it says has to be seen."""

import json
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import load_suite
from imagerag.evaluation.records import Concept
from testing import miniature_suites
from testing.miniature_suites import json_lines


def test_questions_become_concepts(tmp_path: Path) -> None:
    miniature_suites.geneval2(tmp_path)
    first, second = load_suite("geneval2", tmp_path).prompts
    assert first.stratum == "atoms-5"
    assert first.concepts == (
        Concept("two owls", "count", "owls", "2"),
        Concept("white owls", "colour", "owls", "white", question="Are the owls white?"),
        Concept("owls", "thing", "owls", question="Are there any owls in the image?"),
        Concept(
            "owls to the left of car",
            "relation",
            "owls",
            "left of",
            "car",
            "Are the owls to the left of the car?",
        ),
        Concept("one cars", "count", "cars", "1"),
        Concept("striped car", "thing", "car", "striped", question="Is the car striped?"),
    )
    assert second.concepts[1] == Concept(
        "dog chasing cat", "relation", "dog", "chasing", "cat", "Is the dog chasing the cat?"
    )


def test_its_licence_is_told(tmp_path: Path) -> None:
    miniature_suites.geneval2(tmp_path)
    suite = load_suite("geneval2", tmp_path)
    assert suite.licence == "CC-BY-NC-4.0"
    assert suite.notes == ("GenEval 2 may not be used commercially",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"skills": ["count"]}, "has 6 questions and 1 skills"),
        ({"vqa_list": ["How many?"], "skills": ["count"]}, "no question with its answer"),
        ({"vqa_list": [["Is it nice?", "Yes"]], "skills": ["beauty"]}, "has the skill 'beauty'"),
        ({"vqa_list": [["How many owls are in the image?", "many"]], "skills": ["count"]}, "for 'many'"),
        ({"vqa_list": [["How many owls are in the image?", ""]], "skills": ["count"]}, "for ''"),
        ({"vqa_list": [["Is there a dog?", "No"]], "skills": ["object"]}, "all but counts are answered with yes"),
        ({"atom_count": None}, "has no text in 'atom_count'"),
        ({"prompt": ""}, "has an empty 'prompt'"),
    ],
)
def test_other_lines_are_refused(change: dict[str, object], says: str, tmp_path: Path) -> None:
    miniature_suites.geneval2(tmp_path)
    file = tmp_path / "geneval2_data.jsonl"
    first, second = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    json_lines(file, [first | change, second])
    with pytest.raises(UserError, match=says) as refused:
        load_suite("geneval2", tmp_path)
    assert str(refused.value).startswith(f"{file}:1 ")


def test_a_question_of_another_form_stands_for_itself(tmp_path: Path) -> None:
    row = {"prompt": "a dog", "atom_count": 3, "vqa_list": [["Can a dog be seen?", "Yes"]], "skills": ["object"]}
    json_lines(tmp_path / "geneval2_data.jsonl", [row])
    (prompt,) = load_suite("geneval2", tmp_path).prompts
    assert prompt.concepts == (Concept("Can a dog be seen", "thing", question="Can a dog be seen?"),)
