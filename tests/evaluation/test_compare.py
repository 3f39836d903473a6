"""Paired differences between runs and between arms of one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.compare import compare_runs, differences, interval, some
from imagerag.evaluation.run_folder import read_run
from imagerag.evaluation.scores import ALL, Group
from testing.evaluation_runs import TWO_ARMS, Made, suite_of, write_run

BASE, AGENT = TWO_ARMS["base"], TWO_ARMS["agent"]


def test_arms_of_one_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(40), TWO_ARMS)
    found = compare_runs(folder, folder)
    rows = {(row.metric, row.group): row.difference for row in found.rows}
    assert {(row.first, row.second) for row in found.rows} == {("base", "agent")}
    lacking = rows["presence", Group("stratum", "lacking")]
    assert lacking.low > 0.5
    assert lacking.count == 40
    assert lacking.prompts == 20
    known = rows["presence", Group("stratum", "known")]
    assert not known.settled
    assert rows["steps", ALL].mean == 20
    assert ("steps", Group("stratum", "known")) not in rows
    assert rows["presence", Group("kind", "count")].count == 2 * len(range(0, 40, 3))
    assert found.notes == ()
    json.dumps(found.as_json(), allow_nan=False)


def test_other_way_round_has_the_other_sign(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(20), TWO_ARMS)
    run = read_run(folder)
    (one,) = [row for row in differences(run, run, ("base", "agent"), "presence") if row.group == ALL]
    (other,) = [row for row in differences(run, run, ("agent", "base"), "presence") if row.group == ALL]
    assert one.difference.mean == -other.difference.mean > 0
    assert (one.difference.wins, one.difference.losses) == (other.difference.losses, other.difference.wins)


def test_the_same_arm_of_two_runs_and_what_is_not_in_both(tmp_path: Path) -> None:
    suite = suite_of(20)
    before = write_run(tmp_path / "before", suite, {"agent": BASE, "old": BASE}, seeds=(0, 1))
    other = suite.prompts[3]
    later = replace(suite, prompts=(*suite.prompts[1:3], replace(other, text="another"), *suite.prompts[4:]))
    changed = replace(AGENT, settings={"max_generations": 2})
    after = write_run(tmp_path / "after", later, {"agent": changed, "new": AGENT}, seeds=(1, 2))
    found = compare_runs(before, after)
    assert {(row.first, row.second) for row in found.rows} == {(f"{before}: agent", f"{after}: agent")}
    row = next(row for row in found.rows if (row.metric, row.group) == ("presence", ALL))
    assert row.difference.count == row.difference.prompts == 18  # of seed 1, without the first and the changed one
    told = "\n".join(found.notes)
    assert f"arms that {before} alone has, thus not compared: old" in told
    assert f"arms that {after} alone has, thus not compared: new" in told
    assert f"1 prompt that {before} alone has, thus not compared: p000" in told
    assert "1 prompt of other words or concepts in each run, thus not compared: p003" in told
    assert f"18 drawings that {before}: agent alone has, thus not compared: p001 (seed 0)" in told
    assert "and 13 more" in told
    assert "agent and agent differ in max_generations: 'default' and 2" in told


def test_one_arm_each_need_not_have_the_same_name(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", suite_of(6), {"old": BASE})
    b = write_run(tmp_path / "b", suite_of(6), {"new": AGENT})
    assert {(row.first, row.second) for row in compare_runs(a, b).rows} == {(f"{a}: old", f"{b}: new")}


def test_named_pairs(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(6), {**TWO_ARMS, "third": AGENT})
    found = compare_runs(folder, folder, [("agent", "third")])
    assert {(row.first, row.second) for row in found.rows} == {("agent", "third")}
    with pytest.raises(UserError, match="has no arm 'fourth'; it has: base, agent, third"):
        compare_runs(folder, folder, [("agent", "fourth")])


def test_a_drawing_that_failed_shows_nothing(tmp_path: Path) -> None:
    """An arm that gives up on hard prompts would gain by it otherwise."""
    sure = {"known": 1.0, "lacking": 1.0}
    arms = {"base": Made(sure), "agent": Made(sure, fails=lambda at: at < 5)}
    folder = write_run(tmp_path / "run", suite_of(20), arms)
    rows = {(row.metric, row.group): row.difference for row in compare_runs(folder, folder).rows}
    assert rows["presence", ALL].mean == -0.25
    assert rows["presence", Group("kind", "thing")].mean == -0.25
    assert rows["clip", ALL].count == 30
    assert rows["seconds", ALL].count == 40


def test_refused(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", suite_of(4), {"x": BASE, "y": BASE})
    b = write_run(tmp_path / "b", suite_of(4, "another"), {"x": BASE})
    with pytest.raises(UserError, match=r"is of the suite 'made-up' and .* of 'another'"):
        compare_runs(a, b)
    c = write_run(tmp_path / "c", suite_of(4), {"v": BASE, "w": BASE})
    with pytest.raises(UserError, match=r"no arm of the same name \(x, y; v, w\); say which to compare: --arm x=v"):
        compare_runs(a, c)
    d = write_run(tmp_path / "d", suite_of(4), {"x": BASE}, seeds=(7,))
    with pytest.raises(UserError, match="no measured prompt and seed in common"):
        compare_runs(a, d)
    e = write_run(tmp_path / "e", suite_of(4), {"x": BASE})
    with pytest.raises(UserError, match="has one arm, 'x'; give a second run"):
        compare_runs(e, e)
    for path in (e / "measured").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="were not measured by the same metric"):
        compare_runs(a, e)


def test_names_in_a_line() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert interval(float("nan"), 1) is None
