"""One run of a thread at a time."""

import errno
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import Cancelled, UserError
from imagerag.graphs import thread_lock
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.thread_lock import LOCKS, holding, lock_file
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread
from testing.servers import Gate, Shelf

HOLD = """
import sys
from pathlib import Path
from imagerag.graphs.thread_lock import holding
with holding(Path(sys.argv[1]), "t", lambda: 0, lambda: None, print):
    print("held", flush=True)
    sys.stdin.read()
"""


def never() -> None:
    return None


def turn(home: Path, generator: Squares | None = None, name: str = "t", **settings: Any) -> Any:
    """Draw one turn over a connection of its own, as another process has it."""
    with open_checkpointer(home) as saver:
        parts: Any = {"critic": ScriptedCritic([0.9]), "generator": generator or Squares(), "index": Shelf()}
        graph = build_graph(checkpointer=saver, **parts)
        return graph.invoke({"prompt": "an owl"}, thread(name), context=Settings(home=str(home), **settings))


def turns(home: Path, name: str = "t") -> int:
    with open_checkpointer(home) as saver:
        return int(build_graph(checkpointer=saver).get_state(thread(name)).values["turn"])


def held_by_another(home: Path) -> "subprocess.Popen[str]":
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def test_of_two_runs_at_once_none_is_lost(tmp_path: Path) -> None:
    gate = Gate()
    first = threading.Thread(target=turn, args=(tmp_path, Squares(gate)))
    first.start()
    assert gate.reached.acquire(timeout=30)
    second = threading.Thread(target=turn, args=(tmp_path,))
    second.start()
    second.join(0.5)
    gate.open.set()
    first.join(30)
    second.join(30)
    assert turns(tmp_path) == 2


def test_many_at_once_are_all_kept(tmp_path: Path) -> None:
    turn(tmp_path, name="other")
    at_once = [threading.Thread(target=turn, args=(tmp_path,)) for _ in range(4)]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join(60)
    assert turns(tmp_path) == 4


def test_another_thread_does_not_wait(tmp_path: Path) -> None:
    with holding(tmp_path, "t", lambda: 0, never, print):
        turn(tmp_path, name="elsewhere", max_seconds=5)
    assert turns(tmp_path, "elsewhere") == 1


@pytest.mark.slow
def test_who_waits_says_so_and_gives_up_within_the_limit_of_the_run(tmp_path: Path) -> None:
    other = held_by_another(tmp_path)
    told: list[Any] = []
    try:
        with open_checkpointer(tmp_path) as saver:
            graph = build_graph(checkpointer=saver)
            stream = graph.stream(
                {"prompt": "an owl"},
                thread(),
                context=Settings(home=str(tmp_path), max_seconds=0.3),
                stream_mode=["custom", "values"],
            )
            with pytest.raises(UserError, match=r"another run of thread 't' is under way.*0\.3 s; try again.*--thread"):
                told += list(stream_of(stream, told))
    finally:
        other.communicate("", timeout=30)
    assert told == [("custom", {"event": "note", "text": "waiting: another run of thread 't' is under way"})]


def stream_of(stream: Any, told: list[Any]) -> list[Any]:
    for chunk in stream:
        told.append(chunk)
    return []


@pytest.mark.slow
def test_what_a_killed_process_held_is_free(tmp_path: Path) -> None:
    other = held_by_another(tmp_path)
    other.kill()
    other.communicate(timeout=30)
    assert lock_file(tmp_path, "t").exists()
    turn(tmp_path, max_seconds=5)
    assert turns(tmp_path) == 1


def test_a_run_that_is_cancelled_waits_no_longer(tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    ended: list[BaseException] = []

    def wait() -> None:
        with pytest.raises(Cancelled) as raised:
            turn(tmp_path, cancel=cancel)
        ended.append(raised.value)

    with holding(tmp_path, "t", lambda: 0, never, print):
        waiting = threading.Thread(target=wait)
        waiting.start()
        waiting.join(30)
    assert len(ended) == 1


def test_an_update_waits_for_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turn(tmp_path)
    monkeypatch.setattr("imagerag.graphs.thread_graph.UPDATE_WAIT", 0.0)
    raised: list[UserError] = []

    def update() -> None:
        with open_checkpointer(tmp_path) as saver, pytest.raises(UserError, match="run of thread 't'") as error:
            build_graph(checkpointer=saver).update_state(thread(), {"subjects": []}, as_node="finish")
        raised.append(error.value)

    with holding(tmp_path, "t", lambda: 0, never, print):
        other = threading.Thread(target=update)
        other.start()
        other.join(30)
    assert len(raised) == 1


def test_the_holder_may_do_several_things(tmp_path: Path) -> None:
    with holding(tmp_path, "t", lambda: 0, never, print), holding(tmp_path, "t", lambda: 0, never, print):
        turn(tmp_path)
    with holding(tmp_path, "t", lambda: 0, never, print):
        pass
    assert turns(tmp_path) == 1


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EACCES])
def test_where_files_can_not_be_locked_a_run_goes_on_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing:
        def __init__(self, file: Path, **settings: Any) -> None:
            pass

        def acquire(self, timeout: float) -> None:
            raise OSError(number, "No locks available")

    monkeypatch.setattr(thread_lock, "FileLock", Refusing)
    turn(tmp_path)
    assert "can't be locked (No locks available): don't run thread 't' in two processes at once" in caplog.text
    assert turns(tmp_path) == 1


@pytest.mark.parametrize("name", ["../out", "a/b", "x" * 500, "\udc80"])
def test_any_name_of_a_thread_has_a_lock(tmp_path: Path, name: str) -> None:
    assert lock_file(tmp_path, name).parent == tmp_path / LOCKS
