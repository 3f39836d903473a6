"""Images that rows of the servers' database refer to, and rows that are old."""

from contextlib import closing
from pathlib import Path

import pytest

from imagerag.server.database import Database, RunLog, StoredResponse
from imagerag.server.stored_references import forget_old, open_file, referred_images, refers_to

ADDRESSES = {name: digit * 64 for name, digit in (("upload", "1"), ("run", "2"), ("answer", "3"))}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory whose database refers to an image in each of its tables."""
    with closing(Database(tmp_path)) as database:
        database.upload("client-1", "a.png", ADDRESSES["upload"])
        told = {"events": [{"path": f"images/22/{ADDRESSES['run']}.png"}]}
        database.keep(RunLog("run-1", "client-1", "sea", 1, False, told, 1000.0))
        body = {"text": f"see {ADDRESSES['answer']}"}
        database.keep_response(StoredResponse("resp-1", "client-1", "run-1", "sea", None, True, 1000.0, body))
    return tmp_path


def test_each_table_is_looked_through(home: Path) -> None:
    with closing(open_file(home)) as file:
        assert referred_images(file, None, ()) == {*ADDRESSES.values()}
        assert all(refers_to(file, address) for address in ADDRESSES.values())
        assert not refers_to(file, "0" * 64)


def test_rows_of_a_thread_that_stays_are_not_old_whenever_they_were_made(home: Path) -> None:
    with closing(open_file(home)) as file:
        assert referred_images(file, 2000.0, {"client-1/sea"}) == {*ADDRESSES.values()}
        assert referred_images(file, 2000.0, ()) == {ADDRESSES["upload"]}
        forget_old(file, 2000.0, ())
        assert referred_images(file, None, ()) == {ADDRESSES["upload"]}
        forget_old(file, 1e12, ())
        assert referred_images(file, None, ()) == set()
