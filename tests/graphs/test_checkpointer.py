"""The file of the threads' checkpoints."""

import sqlite3
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.graphs.checkpointer import open_checkpointer


def test_threads_outlive_the_process_that_wrote_them(tmp_path: Path) -> None:
    config = {"configurable": {"thread_id": "sea", "checkpoint_ns": ""}}
    from langgraph.checkpoint.base import empty_checkpoint

    with open_checkpointer(tmp_path) as saver:
        saver.put(config, empty_checkpoint(), {}, {})  # type: ignore[arg-type]
    with open_checkpointer(tmp_path) as saver:
        assert [kept.config["configurable"]["thread_id"] for kept in saver.list(None)] == ["sea"]


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "threads.sqlite").write_bytes(b"no database" * 100)
    with (
        pytest.raises(UserError, match=r"threads\.sqlite' is damaged .*a new one is made then"),
        open_checkpointer(tmp_path),
    ):
        pass


def test_what_can_not_be_written_in_the_block_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"can't be written .*--home DIR"), open_checkpointer(tmp_path):
        raise sqlite3.OperationalError("database or disk is full")
