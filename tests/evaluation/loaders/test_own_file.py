"""A person's own suite."""

import json
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.own_file import load_own_file
from imagerag.evaluation.records import Concept
from testing.miniature_suites import json_lines, own_file, text


def test_what_is_told_is_kept(tmp_path: Path) -> None:
    own_file(tmp_path)
    suite = load_own_file(tmp_path / "suite.jsonl")
    assert (suite.name, suite.licence, suite.notes) == ("pets", "CC0-1.0", ("drawn by hand",))
    assert suite.retrieval == str(tmp_path / "mine")
    first, second = suite.prompts
    assert (first.name, first.stratum, first.split) == ("axolotls", "lacking", "test")
    assert first.concepts == (
        Concept("axolotl", "thing", "axolotl"),
        Concept("two axolotls", "count", "axolotls", "2"),
    )
    assert first.images == ("real/axolotl.png",)
    assert (second.name, second.concepts) == ("0002-an-owl", ())


def test_only_the_prompt_is_needed(tmp_path: Path) -> None:
    file = text(tmp_path / "mine.jsonl", json.dumps({"prompt": "an owl"}), "", json.dumps({"prompt": "a cat\u2028"}))
    suite = load_own_file(file)
    assert suite.name == "mine"
    assert [prompt.text for prompt in suite.prompts] == ["an owl", "a cat"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({}, "has no text in 'prompt'"),
        ({"prompt": " "}, "has an empty 'prompt'"),
        ({"prompt": ["an owl"]}, r"has \['an owl'\] in 'prompt', no text"),
        ({"prompt": "an owl", "promt": "x"}, "has an unknown field 'promt'; did you mean 'prompt'"),
        ({"prompt": "an owl", "seed": 7}, "has an unknown field 'seed'; there are prompt, name"),
        ({"prompt": "an owl", "split": "train"}, "has 'train' in 'split'; give development or test"),
        ({"prompt": "an owl", "name": "…"}, "which has no letter of a-z or digit"),
        ({"prompt": "an owl", "images": "owl.png"}, "has 'owl.png' in 'images', no list"),
        ({"prompt": "an owl", "images": ["owl.png"]}, "names 'owl.png' in 'images', which is no file in"),
        ({"prompt": "an owl", "concepts": [3]}, "has 3 in 'concepts'"),
        ({"prompt": "an owl", "concepts": ["owl", "owl"]}, "has two concepts with the same 'text'"),
        (
            {"prompt": "an owl", "concepts": [{"text": "owl", "kind": "bird"}]},
            "has the kind 'bird'; there are thing, co",
        ),
        ({"prompt": "an owl", "concepts": [{"text": "owl", "colour": "red"}]}, "has an unknown field 'colour'"),
        ({"prompt": "owls", "concepts": [{"text": "2 owls", "kind": "count", "thing": "owl"}]}, "without 'value'"),
        ({"prompt": "no owls", "concepts": [{"text": "no owls", "kind": "absence"}]}, "'absence' without 'thing'"),
        (
            {"prompt": "a", "concepts": [{"text": "a by b", "kind": "relation", "thing": "a", "other": "b"}]},
            "'relation' without 'value'",
        ),
        (
            {"prompt": "owls", "concepts": [{"text": "2 owls", "kind": "count", "thing": "owl", "value": "two"}]},
            "has 'two' as the value of a count; give digits",
        ),
    ],
)
def test_a_wrong_line_is_told_with_its_number(row: dict[str, object], says: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "mine.jsonl", [{"prompt": "a cat"}, row])
    with pytest.raises(UserError, match=says) as refused:
        load_own_file(file)
    assert str(refused.value).startswith(f"{file}:2 ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("line", "says"), [("{", "is no JSON"), ("[1]", "is no object"), ("3", "is no object")])
def test_a_line_that_is_no_object_is_told(line: str, says: str, tmp_path: Path) -> None:
    file = text(tmp_path / "mine.jsonl", '{"prompt": "a cat"}', line)
    with pytest.raises(UserError, match=f"mine.jsonl:2 {says}"):
        load_own_file(file)


def test_a_concept_with_a_question_needs_no_more(tmp_path: Path) -> None:
    told = {"text": "few owls", "kind": "count", "question": "Are there fewer than four owls?"}
    file = json_lines(tmp_path / "mine.jsonl", [{"prompt": "few owls", "concepts": [told]}])
    assert load_own_file(file).prompts[0].concepts[0].question == told["question"]


def test_names_may_not_meet(tmp_path: Path) -> None:
    file = json_lines(tmp_path / "m.jsonl", [{"prompt": "a", "name": "an owl"}, {"prompt": "b", "name": "An-Owl"}])
    with pytest.raises(UserError, match=r"m\.jsonl:2 has the name 'an-owl' of an earlier prompt"):
        load_own_file(file)


def test_a_file_without_prompts_is_refused(tmp_path: Path) -> None:
    for lines in ((), ('{"suite": "none"}',)):
        with pytest.raises(UserError, match="has no prompts; give one a line"):
            load_own_file(text(tmp_path / "mine.jsonl", *lines))
    (tmp_path / "mine.jsonl").write_bytes(b'{"prompt": "\xff"}')
    with pytest.raises(UserError, match="is not UTF-8"):
        load_own_file(tmp_path / "mine.jsonl")


@pytest.mark.parametrize(
    "name", ["../../elsewhere", "/tmp/x", "..", ".hidden", "a/b", "a\\b", "C:x", "a\x1b[31m", "x" * 101]
)
def test_a_suite_whose_name_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    """It names the folder of the run, which is written to."""
    file = text(tmp_path / "mine.jsonl", json.dumps({"suite": name}), json.dumps({"prompt": "an owl"}))
    with pytest.raises(UserError, match="in 'suite', of which a folder can't be made"):
        load_own_file(file)
