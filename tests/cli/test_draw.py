"""The command that draws, where its data directory fails it."""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.cli.main import run
from imagerag.errors import UserError
from imagerag.records import Verdict
from imagerag.store.file_errors import file_error
from imagerag.store.images import ImageStore
from testing.scripted import ScriptedCritic, Squares


def test_notes_are_told_where_images_were_made_and_no_document_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where the disk is full after three of four images."""
    put, stored = ImageStore.put, list[Any]()

    def put_three(store: ImageStore, *arguments: Any) -> Any:
        if len(stored) == 3:
            raise UserError("'x.png' can't be written (No space left on device)")
        stored.append(put(store, *arguments))
        return stored[-1]

    def full(*arguments: Any) -> None:
        raise file_error(tmp_path / "threads.sqlite", sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(ImageStore, "put", put_three)
    monkeypatch.setattr("imagerag.graphs.nodes.finish.outcome", full)
    monkeypatch.setattr("imagerag.graphs.components.load_generator", lambda *named: Squares())
    command = ["an owl", "--mode", "no_lookup", "--n", "4", "--seed", "7", "--max-generations", "1", "--json"]
    assert run([*command, "--home", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "note: image 4 of 4 (seed 10) is lost: 'x.png' can't be written (No space left on device)" in captured.err
    error = json.loads(captured.out)["error"]
    assert "threads.sqlite' can't be written (database or disk is full)" in error
    assert any(str(one.path) in error for one in stored)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")], ids=["host", "device"]
)
def test_memory_that_runs_out_in_a_critic_costs_no_image_and_is_one_line(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(ScriptedCritic):
        def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
            raise error

    monkeypatch.setattr("imagerag.graphs.components.load_critic", lambda *named, **more: Failing([0.3]))
    monkeypatch.setattr("imagerag.graphs.components.load_generator", lambda *named: Squares())
    assert run(["an owl", "--mode", "no_lookup", "--home", str(tmp_path)]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("imagerag: ")]
    assert "memory ran out" in line
    assert "the best image so far is" in line


def test_memory_that_runs_out_anywhere_else_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> int:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("imagerag.cli.models.list_models", fail)
    assert run(["models"]) == 2
    assert capsys.readouterr().err.startswith("imagerag: memory ran out ([Errno 12] Cannot allocate memory); close")
