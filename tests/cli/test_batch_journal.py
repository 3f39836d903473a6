"""The journal of a batch: a line a row, whole or not at all."""

import json
from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.batch_journal import FILE, Done, Journal, held
from imagerag.errors import UserError


def entry(name: str, **changes: Any) -> Done:
    plain: Any = {
        "key": name, "row": 1, "line": 1, "prompt": "an owl", "status": "done", "file": "001-an-owl.png",
        "sha256": "0" * 64, "score": 0.9, "satisfied": True, "missing": [], "seed": 7, "stop_reason": "satisfied",
        "error": "", "notes": [], "seconds": 1.0, "thread": "t",
    }  # fmt: skip
    return {**plain, **changes}


def test_what_is_entered_is_read_again(tmp_path: Path) -> None:
    Journal(tmp_path).enter(entry("a", status="failed", file=""))
    Journal(tmp_path).enter(entry("a"))
    Journal(tmp_path).enter(entry("b"))
    found = Journal(tmp_path)
    assert (found.done, found.damaged) == ({"a": entry("a"), "b": entry("b")}, 0)


def test_a_line_that_was_cut_short_is_left_out_and_the_next_is_whole(tmp_path: Path) -> None:
    Journal(tmp_path).enter(entry("a"))
    with (tmp_path / FILE).open("a") as file:
        file.write('{"key": "b", "ro')
    journal = Journal(tmp_path)
    assert ([*journal.done], journal.damaged) == (["a"], 1)
    journal.enter(entry("c"))
    assert [*Journal(tmp_path).done] == ["a", "c"]


@pytest.mark.parametrize(
    "changes", [{"file": "../../x.png"}, {"file": 3}, {"status": "maybe"}, {"key": 1}, {"sha256": "../x"}]
)
def test_lines_that_name_a_place_elsewhere_are_left_out(tmp_path: Path, changes: dict[str, Any]) -> None:
    (tmp_path / FILE).write_text(json.dumps(entry("a", **changes)) + "\n", encoding="utf-8")
    journal = Journal(tmp_path)
    assert (journal.done, journal.damaged) == ({}, 1)


def test_two_batches_do_not_meet_in_a_folder(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(UserError, match="another imagerag batch is at work"), held(tmp_path):
        pass
    with held(tmp_path):
        pass


def test_the_journal_tells_no_key_and_of_files_the_names(tmp_path: Path) -> None:
    told = "'http://me:hunter2@host/v1' and '/home/hunter2/x.png' are gone"
    journal = Journal(tmp_path)
    journal.enter(entry("a", status="failed", error=told, notes=[told]))
    assert "hunter2" not in (tmp_path / FILE).read_text()
    assert journal.done["a"]["error"] == told, "the person at work here is told where"
    assert "'x.png' are gone" in Journal(tmp_path).done["a"]["error"]
