"""Checkpoints that grow with the turns, and clocks that are set back."""

import itertools
import sqlite3
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langgraph.checkpoint.base import id as checkpoint_ids
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from imagerag.errors import FileError, UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpoint_format import ELEMENTS, numbers_in
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.one_pass import build_one_pass
from imagerag.graphs.state_queries import is_request
from imagerag.graphs.thread_cleaning import drop_superseded
from imagerag.graphs.thread_saver import ThreadSaver
from imagerag.server.conversations import open_conversations
from imagerag.server.database import Database
from imagerag.server.thread_history import Threads
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares, SquaresThatFail
from testing.scripted_runs import thread
from testing.servers import Shelf


def graph_of(saver: Any, scores: tuple[float, ...] = (0.3, 0.5, 0.9), **parts: Any) -> Any:
    critic = ScriptedCritic(itertools.cycle(scores))
    return build_graph(**{"critic": critic, "generator": Squares(), "index": Shelf(), "checkpointer": saver, **parts})


def draw(home: Path, turns: int = 1, name: str = "t", **settings: Any) -> None:
    with open_checkpointer(home) as saver:
        graph = graph_of(saver)
        for _ in range(turns):
            graph.invoke({"prompt": "an owl"}, thread(name), context=Settings(home=str(home), **settings))


def stored(home: Path) -> int:
    """Return the bytes of all checkpoints and what belongs to them."""
    with closing(sqlite3.connect(home / "threads.sqlite")) as connection:
        tables = {"checkpoints": "checkpoint", "writes": "value", "elements": "value"}
        queries = [f"SELECT coalesce(sum(length({column})), 0) FROM {table}" for table, column in tables.items()]
        return sum(int(connection.execute(query).fetchone()[0]) for query in queries)


def names(saver: ThreadSaver) -> list[str]:
    return [one.config["configurable"]["checkpoint_id"] for one in saver.list(thread())]


@pytest.mark.parametrize("asks", [False, True])
def test_the_disk_is_waited_for_at_the_end_of_a_run_alone(tmp_path: Path, asks: bool) -> None:
    with open_checkpointer(tmp_path) as saver:
        said: list[str] = []
        saver.conn.set_trace_callback(said.append)
        graph_of(saver).invoke({"prompt": "an owl"}, thread(), context=Settings(home=str(tmp_path), approve=asks))
        saver.conn.set_trace_callback(None)
    waits: list[bool] = []
    at_once = False
    for statement in said:
        at_once = statement.endswith("FULL") if "synchronous" in statement else at_once
        if statement == "COMMIT":
            waits.append(at_once)
    assert len(waits) > 5
    assert waits[-1], "what is told as ended is on the disk"
    assert not any(waits[:-1]), "no step waits for it"


@pytest.mark.slow
def test_a_thread_grows_with_its_turns_and_not_with_their_square(tmp_path: Path) -> None:
    draw(tmp_path, turns=4)
    four = stored(tmp_path)
    draw(tmp_path, turns=12)
    assert stored(tmp_path) < 5 * four


@pytest.mark.parametrize("build", [graph_of, build_one_pass])
def test_the_ends_of_turns_are_kept_and_nothing_that_led_there(tmp_path: Path, build: Any) -> None:
    with open_checkpointer(tmp_path) as saver:
        parts: Any = {} if build is graph_of else {"critic": ScriptedCritic([0.9] * 9), "generator": Squares()}
        graph = build(checkpointer=saver, **parts) if parts else build(saver)
        for _ in range(3):
            graph.invoke({"prompt": "an owl"}, thread(), context=Settings(home=str(tmp_path)))
        states = list(graph.get_state_history(thread()))
        assert [state.values["turn"] for state in states] == [3, 2, 1]
        assert [state.next for state in states] == [()] * 3
        assert [state.parent_config and state.parent_config["configurable"]["checkpoint_id"] for state in states] == [
            *names(saver)[1:],
            None,
        ]
        assert saver.conn.execute("SELECT count(*) FROM writes").fetchone() == (0,)


def test_what_is_kept_is_the_whole_state(tmp_path: Path) -> None:
    with open_checkpointer(tmp_path) as saver:
        graph, plain = graph_of(saver), graph_of("memory")
        for one in (graph, plain):
            for _ in range(2):
                one.invoke({"prompt": "an owl", "seed": 7}, thread(), context=Settings(home=str(tmp_path)))
        kept, whole = (one.get_state(thread()).values for one in (graph, plain))
    assert kept.keys() == whole.keys()
    assert kept["all_images"] == whole["all_images"]
    assert [str(message.text) for message in kept["messages"]] == [str(message.text) for message in whole["messages"]]
    assert [(step["node"], step["name"]) for step in kept["all_trace"]] == [
        (step["node"], step["name"]) for step in whole["all_trace"]
    ]


def test_no_element_is_left_that_no_checkpoint_has(tmp_path: Path) -> None:
    draw(tmp_path, turns=2)
    with open_checkpointer(tmp_path) as saver:
        rows = saver.conn.execute("SELECT type, checkpoint FROM checkpoints").fetchall()
        lists = [one for row in rows for one in saver.serde.loads_typed(row)["imagerag_elements"].values()]
        used = {number for one in lists for number in numbers_in(one)}
        assert {number for (number,) in saver.conn.execute("SELECT id FROM elements")} == used
        saver.delete_thread("t")
        assert saver.conn.execute("SELECT count(*) FROM elements").fetchone() == (0,)


def test_a_run_that_asks_goes_on_in_another_process(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path), approve=True)
    with open_checkpointer(tmp_path) as saver:
        graph_of(saver).invoke({"prompt": "an owl"}, thread(), context=settings)
        asking = graph_of(saver).get_state(thread())
        assert asking.interrupts
        before = len(names(saver))
        assert before > 1
    with open_checkpointer(tmp_path) as saver:
        graph = graph_of(saver, (0.9,))
        graph.invoke(Command(resume={"decisions": [{"type": "approve"}]}), thread(), context=settings)
        assert graph.get_state(thread()).values["stop_reason"] == "satisfied"
        assert len(names(saver)) == 1


def test_a_run_that_failed_keeps_its_way_until_the_next_has_ended(tmp_path: Path) -> None:
    draw(tmp_path)
    with open_checkpointer(tmp_path) as saver:
        failing = SquaresThatFail(RuntimeError("no"), lambda request: True, spared=0)
        with pytest.raises(RuntimeError, match="no"):
            graph_of(saver, generator=failing).invoke(
                {"prompt": "an owl"}, thread(), context=Settings(home=str(tmp_path))
            )
        assert len(names(saver)) > 2
    draw(tmp_path)
    with open_checkpointer(tmp_path) as saver:
        states = list(graph_of(saver).get_state_history(thread()))
        assert [state.next for state in states] == [(), ()]


def test_a_request_that_was_refused_leaves_nothing_in_its_thread(tmp_path: Path) -> None:
    with open_checkpointer(tmp_path) as saver:
        graph, settings = graph_of(saver), Settings(home=str(tmp_path))
        with pytest.raises(UserError):
            graph.invoke({"prompt": "a hat", "mask": "nowhere.png"}, thread(), context=settings)
        assert not names(saver), "a thread of nothing is none"
        graph.invoke({"prompt": "an owl"}, thread(), context=settings)
        before = names(saver), dict(graph.get_state(thread()).values)
        for refused in ({"mask": "nowhere.png"}, {"subjects": ["nowhere.png"]}, {"size": "wide"}):
            with pytest.raises(UserError):
                graph.invoke({"messages": [("user", "a hat")], **refused}, thread(), context=settings)
            assert (names(saver), dict(graph.get_state(thread()).values)) == before, refused
        outcome = graph.invoke({"messages": [("user", "now draw a cat")]}, thread(), context=settings)
        assert outcome["prompt"] == "a cat"
        said = [message.text for message in graph.get_state(thread()).values["messages"] if is_request(message)]
        assert said == ["an owl", "now draw a cat"]


def test_a_refused_request_holds_for_itself_with_any_checkpointer(tmp_path: Path) -> None:
    graph, settings = graph_of("memory"), Settings(home=str(tmp_path))
    graph.invoke({"prompt": "an owl"}, thread(), context=settings)
    for refused in ({"mask": "nowhere.png"}, {"subjects": ["nowhere.png"]}, {"size": "wide"}):
        with pytest.raises(UserError):
            graph.invoke({"prompt": "a hat", **refused}, thread(), context=settings)
        assert graph.invoke({"prompt": "now draw a cat"}, thread(), context=settings)["prompt"] == "a cat"


def test_a_turn_is_gone_on_from_an_earlier_one(tmp_path: Path) -> None:
    draw(tmp_path, turns=2)
    with open_checkpointer(tmp_path) as saver:
        graph = graph_of(saver)
        first = names(saver)[-1]
        config = {"configurable": {**thread()["configurable"], "checkpoint_id": first}}
        graph.invoke({"prompt": "an owl"}, config, context=Settings(home=str(tmp_path)))
        assert graph.get_state(thread()).values["turn"] == 2
        assert len(names(saver)) == 3
        assert graph.get_state(thread()).parent_config["configurable"]["checkpoint_id"] == first


@pytest.fixture
def set_back(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the clock back, and have ids as a process has that begins then."""

    def back(seconds: float) -> None:
        now = checkpoint_ids.time.time_ns()

        class Clock:
            @staticmethod
            def time_ns() -> int:
                return now - int(seconds * 1e9)

        monkeypatch.setattr(checkpoint_ids, "time", Clock)
        monkeypatch.setattr(checkpoint_ids, "_last_v6_timestamp", None)

    return back


@pytest.mark.parametrize("seconds", [60.0, 400 * 24 * 3600.0])
def test_the_newest_turn_is_the_last_one_whatever_the_clock_says(tmp_path: Path, set_back: Any, seconds: float) -> None:
    draw(tmp_path, turns=2)
    set_back(seconds)
    draw(tmp_path)
    with open_checkpointer(tmp_path) as saver:
        graph = graph_of(saver)
        assert graph.get_state(thread()).values["turn"] == 3
        assert [state.values["turn"] for state in graph.get_state_history(thread())] == [3, 2, 1]
        before = graph.get_state(thread()).config
        assert [state.values["turn"] for state in graph.get_state_history(thread(), before=before)] == [2, 1]
        assert [state.values["turn"] for state in graph.get_state_history(thread(), limit=1)] == [3]


def test_threads_of_earlier_versions_go_on(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "threads.sqlite", check_same_thread=False)) as connection:
        saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        for _ in range(2):
            graph_of(saver).invoke({"prompt": "an owl"}, thread(), context=Settings(home=str(tmp_path)))
    large = stored_rows(tmp_path)
    draw(tmp_path)
    with open_checkpointer(tmp_path) as kept:
        assert [state.values["turn"] for state in graph_of(kept).get_state_history(thread())] == [3, 2, 1]
    assert stored_rows(tmp_path) == 3 < large


def stored_rows(home: Path) -> int:
    with closing(sqlite3.connect(home / "threads.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM checkpoints").fetchone()[0])


def test_an_earlier_version_takes_no_thread_for_empty(tmp_path: Path) -> None:
    draw(tmp_path)
    with closing(sqlite3.connect(tmp_path / "threads.sqlite", check_same_thread=False)) as connection:
        earlier = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        with pytest.raises(NotImplementedError, match="imagerag-1"):
            earlier.get_tuple(thread())


def test_what_can_not_be_written_leaves_nothing_half_done(tmp_path: Path) -> None:
    draw(tmp_path)
    with open_checkpointer(tmp_path) as saver:
        before = saver.conn.execute("SELECT count(*) FROM elements").fetchone()
        found = saver.get_tuple(thread())
        assert found is not None
        checkpoint: Any = {**found.checkpoint, "channel_values": {"messages": ["new"]}, "id": None}
        with pytest.raises(sqlite3.IntegrityError):
            saver.put(found.config, checkpoint, {"source": "loop"}, {})
        assert saver.conn.execute("SELECT count(*) FROM elements").fetchone() == before


@pytest.mark.slow
def test_an_older_checkpoint_that_is_none_fails_no_run_and_no_tidying(tmp_path: Path) -> None:
    draw(tmp_path, turns=2)
    with closing(sqlite3.connect(tmp_path / "threads.sqlite")) as database, database:
        (oldest,) = database.execute("SELECT min(rowid) FROM checkpoints").fetchone()
        no_checkpoint = (b"\x93\x01\x02\x03", oldest)  # whole msgpack, and a list
        database.execute("UPDATE checkpoints SET checkpoint = ? WHERE rowid = ?", no_checkpoint)
    draw(tmp_path)
    with open_checkpointer(tmp_path) as saver:
        with pytest.raises(FileError, match="damaged"):
            saver.drop_superseded("t")
        assert drop_superseded(saver) == 0


def in_a_ring(home: Path, between_ends: bool) -> None:
    """Let a thread's first checkpoint have come from its last, as only somebody who writes the file can."""
    with closing(sqlite3.connect(home / "threads.sqlite")) as connection, connection:
        newest, oldest = connection.execute("SELECT max(checkpoint_id), min(checkpoint_id) FROM checkpoints").fetchone()
        of = newest if between_ends else oldest
        connection.execute("UPDATE checkpoints SET parent_checkpoint_id = ? WHERE checkpoint_id = ?", (newest, of))


@pytest.mark.parametrize("alone", [True, False])
def test_a_checkpoint_that_came_from_itself_keeps_nobody_waiting(tmp_path: Path, alone: bool) -> None:
    draw(tmp_path, turns=3)
    in_a_ring(tmp_path, alone)
    with open_checkpointer(tmp_path) as saver:
        with pytest.raises(FileError, match="came from itself"):
            list(saver.ancestry(thread()))
        with pytest.raises(FileError, match="came from itself") if alone else nullcontext():
            saver.drop_superseded("t")
        assert drop_superseded(saver) == 0, "of other threads there is none"
        with pytest.raises(FileError, match="came from itself"):
            Threads(graph_of(saver), saver, Database(tmp_path)).branch_before("", "t", "copy", 1)
    with open_conversations(tmp_path) as own:
        assert own is not None
        with pytest.raises(FileError, match="came from itself"):
            own.turns("t")


def test_a_thread_of_more_elements_than_there_can_be_is_damaged(tmp_path: Path) -> None:
    draw(tmp_path)
    with closing(sqlite3.connect(tmp_path / "threads.sqlite")) as connection, connection:
        rows = connection.execute("SELECT rowid, checkpoint FROM checkpoints").fetchall()
        for row, stored in rows:
            checkpoint = ormsgpack.unpackb(stored, ext_hook=ormsgpack.Ext, option=ormsgpack.OPT_NON_STR_KEYS)
            checkpoint[ELEMENTS]["messages"] = [1, 10**12]
            changed = ormsgpack.packb(checkpoint, option=ormsgpack.OPT_NON_STR_KEYS)
            connection.execute("UPDATE checkpoints SET checkpoint = ? WHERE rowid = ?", (changed, row))
    with open_checkpointer(tmp_path) as saver:
        with pytest.raises(FileError, match=ELEMENTS):
            saver.get_tuple(thread())
        with pytest.raises(FileError, match=ELEMENTS):
            saver.drop_superseded("t")
