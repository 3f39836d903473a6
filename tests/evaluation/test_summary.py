"""The figures of a run."""

import json
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.labels import Label
from imagerag.evaluation.run_folder import read_run
from imagerag.evaluation.scores import ALL, Group
from imagerag.evaluation.summary import EACH_WITH_EACH, concept_changes, pairs_of_arms, summarise
from testing.evaluation_runs import TWO_ARMS, Made, suite_of, write_run


def test_document_has_what_programs_read(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", suite_of(30), TWO_ARMS))
    document = summarise(run).as_json()
    json.dumps(document, allow_nan=False)
    assert document["suite"] == "made-up"
    assert document["splits"] == ["development"]
    base, agent = document["arms"]
    assert (agent["name"], agent["prompts"], agent["drawings"]) == ("agent", 30, 60)
    assert (agent["generations"], agent["seconds"], agent["steps"], agent["money"]) == (2, 1.5, 40, None)
    assert agent["interval"][0] < agent["presence"] < agent["interval"][1]
    assert agent["presence"] > base["presence"] + 0.2
    assert agent["strata"]["presence"]["lacking"]["mean"] > 0.7
    assert agent["kinds"]["presence"]["count"]["count"] == 20
    assert agent["metrics"]["clip"]["count"] == 60
    assert {(row["first"], row["second"]) for row in document["differences"]} == {("base", "agent")}
    assert document["notes"] == ["made up"]
    assert document["labels"] is None


def test_presence_is_the_mean_of_what_was_measured(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(10), TWO_ARMS)
    lines = [json.loads(line) for line in (folder / "measured" / "presence.jsonl").read_text().splitlines()]
    values = [line["value"] for line in lines if line["arm"] == "agent"]
    found = summarise(read_run(folder)).arm("agent").scores["presence"]
    assert found[ALL].mean == pytest.approx(sum(values) / len(values))
    parts = [line["parts"]["owl"] for line in lines if "owl" in line["parts"]]
    assert len(parts) == 4
    assert found[Group("kind", "thing")].count == 20


def test_each_arm_with_each_or_with_the_first(tmp_path: Path) -> None:
    few = {f"arm-{at}": TWO_ARMS["base"] for at in range(3)}
    summary = summarise(read_run(write_run(tmp_path / "few", suite_of(4), few)))
    pairs = {(row.first, row.second) for row in summary.compared}
    assert pairs == {("arm-0", "arm-1"), ("arm-0", "arm-2"), ("arm-1", "arm-2")}
    many = {f"arm-{at}": TWO_ARMS["base"] for at in range(EACH_WITH_EACH + 1)}
    summary = summarise(read_run(write_run(tmp_path / "many", suite_of(2), many)))
    assert {row.first for row in summary.compared} == {"arm-0"}
    assert any("each is compared with arm-0 alone" in note for note in summary.notes)


def test_many_arms_are_compared_with_the_baselines() -> None:
    names = ["base", "one-pass", "first", "agent", *(f"without-{at}" for at in range(6))]
    pairs = pairs_of_arms(names)
    assert len(set(pairs)) == len(pairs)
    assert {first for first, _ in pairs} == {"base", "one-pass", "agent"}
    assert {second for first, second in pairs if first == "agent"} == {"first", *(f"without-{at}" for at in range(6))}
    assert ("one-pass", "agent") in pairs
    assert ("agent", "one-pass") not in pairs
    assert pairs_of_arms(["a", "b", "c"]) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_what_is_lacking_is_told(tmp_path: Path) -> None:
    arms = {"base": TWO_ARMS["base"], "agent": Made({"known": 1.0, "lacking": 1.0}, fails=lambda at: at == 1)}
    folder = write_run(tmp_path / "run", suite_of(4), {**arms, "later": TWO_ARMS["base"]})
    drawings = (folder / "drawings.jsonl").read_text(encoding="utf-8").splitlines()
    drawings = [line for line in drawings if '"later"' not in line and '"p003", "seed": 1' not in line]
    (folder / "drawings.jsonl").write_text("\n".join(drawings) + "\n", encoding="utf-8")
    clip = (folder / "measured" / "clip.jsonl").read_text(encoding="utf-8").splitlines()
    clip = [line for line in clip if '"p000"' not in line]
    (folder / "measured" / "clip.jsonl").write_text("\n".join(clip) + "\n", encoding="utf-8")
    assert summarise(read_run(folder)).notes == (
        "later: nothing is drawn yet",
        "base: 7 of 8 drawings are there",
        "base: 2 images not measured by clip yet",
        "agent: 7 of 8 drawings are there",
        "agent: 2 drawings failed, which counts as showing nothing; the first: out of memory",
        "agent: 2 images not measured by clip yet",
    )


def test_what_the_evaluator_says_nothing_of_is_told(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(4), TWO_ARMS)
    path = folder / "measured" / "presence.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line | {"value": None if line["prompt"] in ("p001", "p003") else line["value"]} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    summary = summarise(read_run(folder))
    assert summary.notes == ("presence says nothing of 8 images of 2 prompts, of lacking",)
    assert Group("stratum", "lacking") not in summary.arm("base").scores["presence"]


def test_nothing_to_say(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(2), TWO_ARMS)
    (folder / "drawings.jsonl").unlink()
    with pytest.raises(UserError, match="has no drawings yet; let imagerag eval go on"):
        summarise(read_run(folder))


def test_changes_of_concepts_are_by_the_thing(tmp_path: Path) -> None:
    never, always = {"known": 0.0, "lacking": 0.0}, {"known": 1.0, "lacking": 0.0}
    run = read_run(write_run(tmp_path / "run", suite_of(4), {"base": Made(never), "agent": Made(always)}))
    changes = concept_changes(run, "base", "agent")
    assert [(one.thing, one.change, one.pairs) for one in changes] == [
        ("lobster", 1.0, 2),
        ("owl", 1.0, 4),  # with its count
        ("kite", 0.0, 2),
        ("teapot", 0.0, 4),
    ]


def test_labels_are_summed_up(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", suite_of(4), TWO_ARMS))
    summary = summarise(run, [Label("p001", 0, "base", "agent", "right")], ["line 3 of labels.jsonl is left out: torn"])
    assert summary.preferences is not None
    assert summary.preferences.rates[0].rate.mean == 1
    assert summary.critics[""].people is not None
    assert "line 3 of labels.jsonl is left out: torn" in summary.notes
