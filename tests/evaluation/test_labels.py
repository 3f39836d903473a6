"""Which pairs are asked about, and the file of the answers."""

import json
from collections import Counter
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.labels import Label, LabelFile, fingerprint, open_pairs, pairs_of, same_images
from imagerag.evaluation.run_folder import read_run
from testing.evaluation_runs import TWO_ARMS, Made, suite_of, write_lines, write_run

ARMS = {**TWO_ARMS, "third": TWO_ARMS["base"]}


def test_each_pair_once_in_a_random_order_and_on_random_sides(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", suite_of(40), ARMS))
    pairs = pairs_of(run)
    assert len({pair.key for pair in pairs}) == len(pairs) == 40 * 2 * 3
    assert pairs_of(run) == pairs
    assert pairs_of(run, seed=1) != pairs
    sides = Counter(pair.left for pair in pairs if {pair.left, pair.right} == {"base", "agent"})
    assert 25 <= sides["base"] <= 55
    assert len({(pair.prompt, pair.seed) for pair in pairs[:80]}) == 80  # every prompt before any comes again
    assert len({fingerprint(pair) for pair in pairs}) == len(pairs)
    assert not any(arm in fingerprint(pair) for pair in pairs for arm in ARMS)


def test_chosen_arms_alone(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", suite_of(4), ARMS))
    assert {frozenset((pair.left, pair.right)) for pair in pairs_of(run, ["agent", "third"])} == {
        frozenset(("agent", "third"))
    }
    with pytest.raises(UserError, match="has no arm 'fourth'; it has: base, agent, third"):
        pairs_of(run, ["agent", "fourth"])
    with pytest.raises(UserError, match="it takes the drawings of two arms to compare, and there are those of 1"):
        pairs_of(run, ["agent"])


def test_the_same_image_is_not_asked_about(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(4), {"base": TWO_ARMS["base"], "agent": TWO_ARMS["agent"]})
    path = folder / "drawings.jsonl"
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    same = {(entry["prompt"], entry["seed"]): entry["image"] for entry in entries if entry["prompt"] != "p003"}
    for entry in entries:
        entry["image"] = same.get((entry["prompt"], entry["seed"]), entry["image"])
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    run = read_run(folder)
    assert {pair.prompt for pair in pairs_of(run)} == {"p003"}
    assert len(same_images(run, "base", "agent")) == 6
    drawings = [one for arm in run.drawings.values() for one in arm.values() if one.prompt != "p003"]
    write_lines(path, drawings)
    with pytest.raises(UserError, match="have no two images that differ"):
        pairs_of(read_run(folder))


def test_what_has_no_image_is_not_asked_about(tmp_path: Path) -> None:
    arms = {"base": TWO_ARMS["base"], "agent": Made({"known": 1.0, "lacking": 1.0}, fails=lambda at: at < 3)}
    run = read_run(write_run(tmp_path / "run", suite_of(4), arms))
    assert {pair.prompt for pair in pairs_of(run)} == {"p003"}


def test_answers_are_kept_and_the_last_one_counts(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", suite_of(4), TWO_ARMS))
    pairs = pairs_of(run)
    file = LabelFile(run.folder)
    file.add(Label(**vars(pairs[0]), choice="left", by="me"))
    file.add(Label(**vars(pairs[1]), choice="same", by="me"))
    turned = Label(pairs[0].prompt, pairs[0].seed, pairs[0].right, pairs[0].left, "left", "me")
    file.add(turned)
    file.add(Label(**vars(pairs[0]), choice="left", by="you"))
    again = LabelFile(run.folder)
    assert again.labels == file.labels
    assert len(again.labels) == 3
    assert turned in again.labels
    assert open_pairs(pairs, again.labels, "me") == pairs[2:]
    assert open_pairs(pairs, again.labels, "you") == pairs[1:]
    assert open_pairs(pairs, again.labels, "") == pairs


def test_torn_last_line_is_told_and_written_after(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", suite_of(4), TWO_ARMS))
    pairs = pairs_of(run)
    file = LabelFile(run.folder)
    for pair in pairs[:2]:
        file.add(Label(**vars(pair), choice="left"))
    file.path.write_bytes(file.path.read_bytes()[:-20])
    torn = LabelFile(run.folder)
    assert len(torn.labels) == 1
    assert torn.notes[0].startswith("line 2 of labels.jsonl is left out: ")
    torn.add(Label(**vars(pairs[2]), choice="right"))
    assert [label.choice for label in LabelFile(run.folder).labels] == ["left", "right"]
    assert torn.path.read_text(encoding="utf-8").count("\n") == 3
