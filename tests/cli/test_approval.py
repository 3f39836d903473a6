"""The approval of references in the chat, before an image is drawn again with them."""

from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.approval import Approval
from imagerag.errors import UserError
from imagerag.store.manifest import read_manifest


def test_references_are_kept_rejected_and_swapped_before_a_redraw(start_chat: Any) -> None:
    _, take = start_chat(scores=[0.3, 0.9])
    assert "before a redraw: on" in take("/approve on")
    asked = take("an owl")
    assert "redraw with ref-1, ref-2?" in asked
    assert "* ref-1  a square for owl, shelf, CC0" in asked
    assert "image-2" not in asked
    assert "'what' is no answer; say keep, reject N" in take("what")
    assert "'ref-9' is not among the references found; valid: ref-1, ref-2" in take("swap 1 ref-9")
    assert "redraw with ref-3, ref-2?" in take("swap 1 3")
    assert "'ref-1' is not among ref-3, ref-2" in take("reject 1")
    assert "redraw with ref-3?" in take("reject 2")
    assert "image-2 scores 0.90" in take("keep")
    assert "with ref-3 " in take("/images")


@pytest.mark.parametrize("word", ["none", "reject", "/quit"])
def test_a_redraw_that_is_not_wanted_ends_with_the_first_image(start_chat: Any, word: str) -> None:
    chat, take = start_chat(scores=[0.3, 0.9])
    take("/approve on")
    take("an owl")
    chat.take(word)
    state = start_chat.service.threads.state("", "sea")
    assert state["stop_reason"] == "cancelled"
    assert state["image"]["id"] == "image-1"
    assert "off" in take("/approve off")


def test_commands_work_while_a_redraw_waits_for_a_word(start_chat: Any, tmp_path: Path) -> None:
    _, take = start_chat(scores=[0.9, 0.3])
    take("a cat")
    take("/approve on")
    assert "redraw with ref-1, ref-2?" in take("an owl")
    for command, says in (
        ("/help", "/undo"),
        ("/refs", "ref-1"),
        ("/images", "image-2"),
        ("/budget", "max_generations"),
        ("/branch copy", "this turn is not over; give your word on the redraw first: keep, reject N"),
        (f"/save {tmp_path / 'best'}", "best.png"),
        ("/nonsense", "is no command"),
    ):
        assert says in take(command)
    assert read_manifest(tmp_path / "best.png").prompt == "an owl", "of the turn that asks, not of the one before"
    assert "the redraw still waits for your word: keep" in take("/refs")
    assert "back to: a cat" in take("/undo")
    assert "image-2" not in take("/images")
    assert "no answer" not in take("now make it red"), "the question is gone"


def test_a_question_that_a_killed_process_has_left_is_asked_again(start_chat: Any) -> None:
    _, take = start_chat(scores=[0.3])
    take("/approve on")
    take("an owl")
    start_chat.service.close()
    _, take = start_chat(scores=[0.9])
    assert "still waits" in take("/images")
    assert "image-2 scores 0.90" in take("keep")
    assert start_chat.service.threads.state("", "sea")["stop_reason"] == "satisfied"


def asked() -> Approval:
    reference = {"title": "a square", "concept": "owl", "source": "shelf", "licence": "CC0"}
    return Approval({"chosen": ["ref-1", "ref-2"], "references": [{"id": f"ref-{n}", **reference} for n in (1, 2, 3)]})


@pytest.mark.parametrize(
    ("line", "last", "chosen"),
    [
        ("keep", True, ["ref-1", "ref-2"]),
        ("Y", True, ["ref-1", "ref-2"]),
        ("none", True, []),
        ("reject 1", False, ["ref-2"]),
        ("reject 1, ref-2", True, []),
        ("swap 1 3", False, ["ref-3", "ref-2"]),
    ],
)
def test_each_answer_changes_what_is_chosen(line: str, last: bool, chosen: list[str]) -> None:
    approval = asked()
    assert approval.take(line) is last
    assert approval.chosen == chosen


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("perhaps", "is no answer; say keep, reject"),
        ("swap 1", "is no answer"),
        ("swap 1 2", "is among them already"),
        ("reject 3", "'ref-3' is not among ref-1, ref-2"),
        ("reject 9", "'9' is not among the references found; valid: ref-1, ref-2, ref-3"),
    ],
)
def test_what_is_no_answer_is_refused_and_changes_nothing(line: str, says: str) -> None:
    approval = asked()
    with pytest.raises(UserError, match=says):
        approval.take(line)
    assert approval.chosen == ["ref-1", "ref-2"]
