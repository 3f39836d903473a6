"""The file of the threads' checkpoints."""

import io
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, redirect_stderr
from enum import Enum
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langchain_core.messages import AIMessage

from imagerag.cli.main import run
from imagerag.errors import FileError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.index.user.fulltext import FullTextIndex
from imagerag.server.service import Service
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread

Extension = Callable[[list[str]], tuple[int, Any]]

# What LangGraph's msgpack format can name to be called when a checkpoint is read, by the number of its extension.
CALLS: dict[str, Extension] = {
    "a function of one": lambda argv: (0, ("subprocess", "check_call", argv)),
    "a function of several": lambda argv: (1, ("subprocess", "check_call", (argv,))),
    "a function of keywords": lambda argv: (2, ("subprocess", "Popen", {"args": argv})),
    "a method": lambda argv: (3, ("subprocess", "check_call", argv, "__call__")),
    "a model of pydantic 1": lambda argv: (4, ("subprocess", "Popen", {"args": argv})),
    "a model of pydantic 2": lambda argv: (5, ("subprocess", "Popen", {"args": argv}, "model_validate_json")),
}


def plant(home: Path, extension: tuple[int, Any], table: str) -> None:
    """Put a call into what a thread has stored: in place of its prompt, or as what a node wrote that is to go on."""
    code, told = extension
    call = ormsgpack.Ext(code, ormsgpack.packb(told))
    with closing(sqlite3.connect(home / "threads.sqlite")) as connection, connection:
        if table == "writes":
            connection.execute(
                "INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, value) "
                "SELECT thread_id, checkpoint_ns, checkpoint_id, 'task', 0, 'prompt', 'msgpack', ? FROM checkpoints",
                (ormsgpack.packb(call),),
            )
            return
        if table == "elements":
            connection.execute("UPDATE elements SET type = 'msgpack', value = ?", (ormsgpack.packb(call),))
            return
        for row, stored in connection.execute("SELECT rowid, checkpoint FROM checkpoints").fetchall():
            checkpoint = ormsgpack.unpackb(stored, ext_hook=ormsgpack.Ext, option=ormsgpack.OPT_NON_STR_KEYS)
            checkpoint["channel_values"]["prompt"] = call
            changed = ormsgpack.packb(checkpoint, option=ormsgpack.OPT_NON_STR_KEYS)
            connection.execute("UPDATE checkpoints SET checkpoint = ? WHERE rowid = ?", (changed, row))


def draw(home: Path) -> None:
    with open_checkpointer(home) as saver:
        graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares(), checkpointer=saver)
        graph.invoke({"prompt": "an owl"}, thread(), context=Settings(home=str(home)))


def by_command(home: Path) -> str:
    """Return what of the thread is told as damaged, or nothing."""
    told = io.StringIO()
    with redirect_stderr(told):
        run(["profiles", "show", "--thread", "t", "--home", str(home)])
    return told.getvalue()


def by_server(home: Path) -> str:
    """Return what of the thread is told as damaged, or nothing."""
    service = Service(Settings(home=str(home)))
    try:
        service.threads.state("", "t")
    except FileError as error:
        return str(error)
    finally:
        service.close()
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("stored", ["checkpoints", "elements", "writes"])
@pytest.mark.parametrize("read", [by_command, by_server])
@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_called_that_a_stored_thread_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, read: Callable[[Path], str], stored: str
) -> None:
    """What stands where a call was put is no prompt and no list of images: the thread is told as damaged.

    What a node wrote is no state yet, so it isn't looked at when a thread is only read.
    """
    draw(tmp_path)
    started: list[Any] = []
    monkeypatch.setattr("subprocess.check_call", started.append)
    monkeypatch.setattr("subprocess.Popen", lambda *argv, **named: started.append((argv, named)))
    plant(tmp_path, CALLS[call](["true"]), stored)
    told = read(tmp_path)
    assert not started
    assert ("is damaged" in told) == (stored != "writes"), told


@pytest.mark.parametrize("keep", ["memory", "file"])
def test_what_is_no_plain_data_comes_back_as_its_data(
    tmp_path: Path, keep: str, caplog: pytest.LogCaptureFixture
) -> None:
    """So a chat model's own classes in its answers end no thread; which were left out is logged."""
    with open_checkpointer(tmp_path) as file:
        checkpointer: Any = file if keep == "file" else "memory"
        graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares(), checkpointer=checkpointer)
        graph.invoke({"prompt": "an owl"}, thread(), context=Settings(home=str(tmp_path)))
        kind = Enum(f"Finish_{keep}", {"STOP": "stop"})  # LangGraph warns once of each
        answer = AIMessage("enough", response_metadata={"finish": kind("stop")})
        graph.update_state(thread(), {"messages": [answer]}, as_node="finish")
        kept = graph.get_state(thread()).values["messages"][-1]
    assert (type(kept), kept.response_metadata) == (AIMessage, {"finish": "stop"})
    assert f"Blocked deserialization of {__name__}.Finish_{keep}" in caplog.text


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
        pytest.raises(FileError, match=r"threads\.sqlite' is damaged .*begin new threads"),
        open_checkpointer(tmp_path),
    ):
        pass


def test_a_disk_with_little_room_is_used_while_there_is_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LangGraph has SQLite refuse a column that is there, which says nothing of the disk."""
    little = shutil.disk_usage(tmp_path)._replace(free=8192)
    monkeypatch.setattr("imagerag.store.file_errors.shutil.disk_usage", lambda path: little)
    for _ in range(2):
        with open_checkpointer(tmp_path) as saver:
            assert list(saver.list(None)) == []


def test_what_can_not_be_written_in_the_block_is_one_line(tmp_path: Path) -> None:
    with open_checkpointer(tmp_path) as saver:
        saver.conn.execute("PRAGMA max_page_count = 1")
        with pytest.raises(FileError, match=r"threads\.sqlite' can't be used .*--home") as caught:
            saver.conn.execute("CREATE TABLE more (a)")
    assert caught.value.cause == "full"


def test_what_goes_wrong_with_another_file_in_the_block_is_not_blamed_on_the_threads(tmp_path: Path) -> None:
    """Whoever followed that advice lost every conversation over a file that can be made anew."""
    words = tmp_path / "words.sqlite"
    words.write_bytes(b"no database" * 100)
    with (
        pytest.raises(FileError, match=r"words\.sqlite' is damaged .*index rebuild") as caught,
        open_checkpointer(tmp_path),
    ):
        FullTextIndex(words)
    assert "threads" not in str(caught.value).replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("checkpoint = x'c1ff'", "invalid type"),
        ("type = 'nonsense'", "nonsense"),
        ("checkpoint = x'81a27473a0'", "channel_values"),
    ],
)
def test_a_checkpoint_of_garbage_names_the_file_and_leaves_the_other_threads(
    tmp_path: Path, change: str, said: str
) -> None:
    draw(tmp_path)
    with closing(sqlite3.connect(tmp_path / "threads.sqlite")) as connection, connection:
        connection.execute(f"UPDATE checkpoints SET {change}")
    with open_checkpointer(tmp_path) as saver, pytest.raises(FileError, match=r"another thread") as caught:
        saver.get_tuple(thread())  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert caught.value.cause == "damaged"


@pytest.mark.parametrize(
    ("blob", "why"),
    [
        (b"", "unexpected end of file"),
        (b"\xc1", "can't be read|damaged"),
        (b"\x91" * 5_000, "damaged"),
        (ormsgpack.packb([1]), "no checkpoint"),
        (ormsgpack.packb({"id": "1", "channel_values": 1}), "it lacks id, v, ts, channel_values"),
    ],
)
def test_a_damaged_thread_is_one_line(tmp_path: Path, blob: bytes, why: str) -> None:
    draw(tmp_path)
    with closing(sqlite3.connect(tmp_path / "threads.sqlite")) as connection, connection:
        connection.execute("UPDATE checkpoints SET checkpoint = ?", (blob,))
    with open_checkpointer(tmp_path) as saver, pytest.raises(FileError, match=why) as refused:
        build_graph(checkpointer=saver).get_state(thread())
    assert "go on in another thread with --thread NAME" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert run(["profiles", "show", "--thread", "t", "--home", str(tmp_path)]) == 2


@pytest.mark.parametrize("metadata", [b"\x90{}", b"{", b"[" * 100_000])
def test_a_thread_whose_metadata_are_damaged_is_one_line(tmp_path: Path, metadata: bytes) -> None:
    draw(tmp_path)
    with closing(sqlite3.connect(tmp_path / "threads.sqlite")) as connection, connection:
        connection.execute("UPDATE checkpoints SET metadata = ?", (metadata,))
    with open_checkpointer(tmp_path) as saver, pytest.raises(FileError, match="go on in another thread"):
        build_graph(checkpointer=saver).get_state(thread())
