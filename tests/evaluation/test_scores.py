"""Values of a run by metric, arm and group."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.records import Concept
from imagerag.evaluation.run_folder import Key, read_run
from imagerag.evaluation.scores import (
    ALL,
    Group,
    evaluator_of,
    failed_of,
    groups_of,
    headline_of,
    metrics_of,
    paired,
    values_of,
)
from testing.evaluation_runs import TWO_ARMS, Made, suite_of, write_run


def test_groups_come_in_the_order_of_the_suite(tmp_path: Path) -> None:
    suite = suite_of(6)
    forms = ("alone", "pair", "")
    prompts = tuple(replace(one, form=forms[at % 3]) for at, one in enumerate(suite.prompts))
    run = read_run(write_run(tmp_path / "run", replace(suite, prompts=prompts), TWO_ARMS))
    groups = groups_of(run, "presence")
    assert [group.name for group in groups if group.of == "stratum"] == ["known", "lacking"]
    names = [group.name for group in groups if group.of == "form"]
    assert names == ["known: alone", "lacking: pair", "lacking: alone", "known: pair"]
    assert [str(group) for group in groups if group.of == "kind"] == ["concepts: thing", "concepts: count"]
    assert [group.of for group in groups_of(run, "clip")] == ["all", "stratum", "stratum", *["form"] * 4]
    alone = values_of(run, "presence", "base", Group("form", "known: alone"))
    assert sorted(alone) == [("p000", 0, ""), ("p000", 1, "")]
    known = values_of(run, "clip", "base", Group("stratum", "known"))
    assert {key[0] for key in known} == {"p000", "p002", "p004"}


def test_costs_are_known_without_measuring(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", suite_of(2), TWO_ARMS))
    assert set(values_of(run, "steps", "agent").values()) == {40}
    assert values_of(run, "money", "agent") == {}
    assert values_of(run, "steps", "another") == {}


def test_failed_drawings_show_nothing(tmp_path: Path) -> None:
    sure = {"known": 1.0, "lacking": 1.0}
    run = read_run(write_run(tmp_path / "run", suite_of(4), {"x": Made(sure, fails=lambda at: at == 0)}, seeds=(0,)))
    assert failed_of(run, "x") == [Key("p000", 0)]
    assert values_of(run, "presence", "x")["p000", 0, ""] == 0
    assert values_of(run, "presence", "x", Group("stratum", "lacking")).keys() == {("p001", 0, ""), ("p003", 0, "")}
    assert values_of(run, "presence", "x", Group("kind", "count"))["p000", 0, "two owls"] == 0
    assert ("p000", 0, "") not in values_of(run, "clip", "x")


def test_what_failed_is_unknown_where_the_evaluator_says_nothing_anyhow(tmp_path: Path) -> None:
    sure = {"known": 1.0, "lacking": 1.0}
    arms = {"base": Made(sure), "agent": Made(sure, fails=lambda at: at < 2)}
    folder = write_run(tmp_path / "run", suite_of(4), arms)
    path = folder / "measured" / "presence.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line | ({"value": None} if line["prompt"] == "p000" else {}) for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    values = values_of(read_run(folder), "presence", "agent")
    assert {key[0]: value for key, value in values.items()} == {"p001": 0.0, "p002": 1.0, "p003": 1.0}


def test_what_failed_in_every_arm_is_unknown_where_the_evaluator_does_not_know_the_thing(tmp_path: Path) -> None:
    suite = suite_of(4)
    first = replace(suite.prompts[0], concepts=(Concept("clothespin"), Concept("two owls", "count", "owl", "2")))
    arms = {"x": Made({"known": 1.0, "lacking": 1.0}, fails=lambda at: at < 2)}
    folder = write_run(tmp_path / "run", replace(suite, prompts=(first, *suite.prompts[1:])), arms, seeds=(0,))
    run = read_run(folder)
    assert values_of(run, "presence", "x") == {("p001", 0, ""): 0.0, ("p002", 0, ""): 1.0, ("p003", 0, ""): 1.0}
    things = values_of(run, "presence", "x", Group("kind", "thing"))
    assert {key[2] for key in things if key[0] == "p000"} == set()


def test_headline_is_presence_or_what_there_is(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(2), TWO_ARMS)
    assert metrics_of(read_run(folder)) == ("presence", "clip")
    (folder / "measured" / "presence.jsonl").unlink()
    assert headline_of(read_run(folder)) == "clip"
    (folder / "measured" / "clip.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="has drawings, but no measurements"):
        headline_of(read_run(folder))


def test_the_evaluator_may_be_a_model_that_sees_images(tmp_path: Path) -> None:
    """Suites that the bundled evaluator knows nothing of are judged by questions: failures count there, too."""
    sure = {"known": 1.0, "lacking": 1.0}
    folder = write_run(tmp_path / "run", suite_of(4), {"x": Made(sure, fails=lambda at: at == 0)})
    (folder / "measured" / "presence.jsonl").rename(folder / "measured" / "soft-tifa-some-model.jsonl")
    run = read_run(folder)
    assert evaluator_of(run) == headline_of(run) == "soft-tifa-some-model"
    assert values_of(run, "soft-tifa-some-model", "x")["p000", 0, ""] == 0


def test_pairs_are_what_both_have() -> None:
    found = paired({("a", 0, ""): 1.0, ("b", 0, ""): 2.0}, {("b", 0, ""): 3.0, ("c", 0, ""): 4.0})
    assert found.prompts == ["b"]
    assert (found.first, found.second) == ([2.0], [3.0])
    assert str(ALL) == "all prompts"
