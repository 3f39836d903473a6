"""The servers' database where its file can't be used: no client waits for ever, and nothing that was drawn is lost."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from imagerag.errors import UserError
from imagerag.server import database_file
from imagerag.server.database import FILE, Database
from imagerag.server.database_file import DatabaseFailed, DatabaseFile, readable
from imagerag.server.run import RunRequest
from imagerag.server.thread_history import LOCAL
from testing.servers import Served, scripted_service, waiting_run

TABLES = {"things": "id TEXT PRIMARY KEY, value TEXT NOT NULL"}
PUT = "INSERT INTO things (id, value) VALUES (?, ?)"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def garbage(file: Path) -> Iterator[None]:
    for one in file.parent.glob(f"{file.name}-*"):
        one.unlink()
    file.write_bytes(b"no database" * 2000)
    yield


@contextmanager
def emptied(file: Path) -> Iterator[None]:
    os.truncate(file, 0)
    yield


@contextmanager
def deleted(file: Path) -> Iterator[None]:
    for one in file.parent.glob(f"{file.name}*"):
        one.unlink()
    yield


@contextmanager
def without_a_table(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("DROP TABLE entries")
        other.execute("DROP TABLE runs")
    yield


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_file, "LOCK_TIMEOUT", 0.1)


Damage = Callable[[Path], Any]


@pytest.mark.parametrize("damage", [locked, garbage, emptied, deleted, without_a_table])
def test_a_run_ends_for_its_client_whatever_becomes_of_the_file(tmp_path: Path, damage: Damage) -> None:
    service = scripted_service(tmp_path)
    try:
        with damage(tmp_path / FILE):
            run = service.create(LOCAL, RunRequest("an owl", thread="sea", seed=7))
            assert run.wait(30)
            assert run.status == "done"
            assert run.output is not None
            entries = service.enter(run, run.output["images"])
            found = [service.database.find(one.id, LOCAL) for one in entries.values()]
            assert [one and one.sha256 for one in found] == [one["sha256"] for one in run.output["images"]]
    finally:
        service.close()


def test_what_is_kept_in_memory_only_is_told(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    try:
        with locked(tmp_path / FILE):
            run = service.create(LOCAL, RunRequest("an owl", thread="sea", seed=7))
            assert run.wait(30)
    finally:
        service.close()
    notes = [event["text"] for event in run.events if event["event"] == "note"]
    assert notes[-1] == (
        "the server's doors.sqlite can't be used (database is locked); until the server ends, it keeps what is new "
        "in memory"
    )


def test_the_servers_interfaces_answer_all_the_same(tmp_path: Path) -> None:
    served = Served(scripted_service(tmp_path))
    try:
        with locked(tmp_path / FILE):
            asked = {"prompt": "an owl", "response_format": "url"}
            made = httpx.post(f"{served.url}/v1/images/generations", json=asked, timeout=60)
            assert made.status_code == 200
            assert httpx.get(made.json()["data"][0]["url"]).headers["content-type"] == "image/png"
            answer = httpx.post(f"{served.url}/v1/responses", json={"input": "an owl"}, timeout=60)
            assert answer.json()["status"] == "completed"
            unknown = httpx.get(f"{served.url}/images/{'0' * 32}.png", timeout=60)
            assert unknown.status_code == 503
            assert unknown.json()["error"]["message"] == "the server's doors.sqlite can't be used (database is locked)"
    finally:
        served.stop()


def test_a_server_starts_over_a_row_that_makes_no_sense(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    service = scripted_service(tmp_path, scores=(0.3, 0.9))
    good = waiting_run(service)
    service.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        for number, told in enumerate(["", "[]", "{", '{"request": "x"}', "null"]):
            values = (f"bad-{number}", LOCAL, f"other-{number}", 1, 1, 4e9, told)
            connection.execute(
                "INSERT INTO runs (id, client, thread, turn, asks, created, told) VALUES (?, ?, ?, ?, ?, ?, ?)", values
            )
    service = scripted_service(tmp_path)
    try:
        assert [run.id for run in service.running(LOCAL, "sea")] == [good.id]
        assert [name for name in ("bad-0", "bad-1", "bad-2", "bad-3", "bad-4") if name not in caplog.text] == []
    finally:
        service.close()


@pytest.mark.parametrize("told", ["", "[]", "{", "null"])
def test_a_conversation_is_told_without_the_row_that_makes_no_sense(tmp_path: Path, told: str) -> None:
    service = scripted_service(tmp_path)
    try:
        run = service.create(LOCAL, RunRequest("an owl", thread="sea", seed=7))
        assert run.wait(30)
        with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
            connection.execute("UPDATE runs SET told = ?", (told,))
        assert service.database.told(LOCAL, "sea") == {}
    finally:
        service.close()


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("CREATE TABLE entries (id TEXT)", "its table 'entries' lacks checkpoint"),
        ("", "file is not a database"),
    ],
)
def test_a_file_of_another_shape_is_one_line(tmp_path: Path, schema: str, said: str) -> None:
    if schema:
        with closing(sqlite3.connect(tmp_path / FILE)) as connection:
            connection.execute(schema)
    else:
        (tmp_path / FILE).write_bytes(b"no database" * 200)
    with pytest.raises(UserError, match=rf"doors\.sqlite' is damaged \({said}.*move it away, a new one is"):
        Database(tmp_path)


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    database = Database(tmp_path)
    assert database.latest("me") == []
    database.close()


def test_several_changes_are_made_or_none(tmp_path: Path) -> None:
    file = DatabaseFile(tmp_path / "things.sqlite", TABLES)
    file.change((PUT, ("a", "1")))
    with pytest.raises(sqlite3.IntegrityError):  # a defect of ours, which memory refuses as the file does
        file.change(("DELETE FROM things", ()), (PUT, ("b", None)))
    file.close()
    with closing(sqlite3.connect(tmp_path / "things.sqlite")) as connection:
        assert connection.execute("SELECT id FROM things").fetchall() == [("a",)]


def test_what_went_to_memory_is_changed_there_when_the_file_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_file, "RETRY", 0.0)
    file = DatabaseFile(tmp_path / "things.sqlite", TABLES)
    with locked(tmp_path / "things.sqlite"):
        file.change((PUT, ("a", "1")))
        assert file.failing is not None
    file.change((PUT, ("b", "1")))
    assert file.failing is None
    assert file.change(("UPDATE things SET value = ? WHERE id = ?", ("2", "a"))) == 1
    assert file.rows("SELECT id, value FROM things") == [("b", "1"), ("a", "2")]
    file.close()


def test_what_can_not_be_read_is_an_error_of_its_own(tmp_path: Path) -> None:
    file = DatabaseFile(tmp_path / "things.sqlite", TABLES)
    with closing(sqlite3.connect(tmp_path / "things.sqlite")) as other:
        other.execute("DROP TABLE things")
    with pytest.raises(DatabaseFailed, match=r"the server's things\.sqlite can't be used \(no such table: things\)$"):
        file.rows("SELECT id FROM things")
    file.close()


def test_rows_that_make_no_sense_are_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert readable([("a", "1"), ("b", "x")], lambda row: int(row[1]), "the thing") == [1]
    assert "the thing 'b' is left out, since it can't be read (ValueError: " in caplog.text
