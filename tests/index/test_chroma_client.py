"""Chroma's clients and collections."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from chromadb.errors import InternalError

from imagerag.errors import Cancelled, FileError, ServiceError, UserError
from imagerag.index import chroma_client as chroma
from imagerag.index.chroma_client import (
    EF_SEARCH_USER,
    BoundedClient,
    chroma_client,
    create_collection,
    get_collection,
    http_client,
)
from imagerag.interruptible import using_check
from testing.faulty_servers import Fault, faulty_server


def test_a_collection_compares_by_cosine_and_is_there_for_the_next_client(tmp_path: Path) -> None:
    with chroma_client(tmp_path) as client:
        made = create_collection(
            client, "things", {"model": "m"}, ef_search=EF_SEARCH_USER, batch_size=10, sync_threshold=20
        )
        made.upsert(ids=["long", "other"], embeddings=[[10.0, 0.0], [0.0, 1.0]])
    with chroma_client(tmp_path) as client:
        found = get_collection(client, "things")
        assert found.metadata["model"] == "m"
        hnsw = found.configuration_json["hnsw"]
        assert (hnsw["space"], hnsw["ef_search"], hnsw["sync_threshold"]) == ("cosine", EF_SEARCH_USER, 20)
        answer = found.query(query_embeddings=[[1.0, 0.0]], n_results=1, include=["distances"])
    assert answer["ids"] == [["long"]]
    assert answer["distances"][0][0] == pytest.approx(0, abs=1e-6), "the length of a vector is of no account"


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UserError, match=r"is not understood; give one like http://127\.0\.0\.1:8000"):
        http_client(address)


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_with_code_in_it_is_refused(tmp_path: Path, mode: str) -> None:
    """It may be somebody else's, and Chroma would read the rows of such a view without end."""
    with chroma.chroma_client(tmp_path):
        pass
    endless = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x AS id FROM r WHERE x < 0"
    with closing(sqlite3.connect(tmp_path / chroma.DATABASE)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
        connection.execute(f"CREATE VIEW others AS {endless}")
    with (
        pytest.raises(FileError, match=r"is damaged \(it has a view, 'others', and .* none\); build it anew"),
        chroma.naming_chroma(tmp_path, damaged="build it anew"),
    ):
        chroma.open_client(tmp_path)


def test_nobody_answers() -> None:
    with pytest.raises(UserError, match=r"does not answer .*chroma run"):
        http_client("http://127.0.0.1:9")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("hangs", "does not answer (no answer within 0.5 seconds)"),
        ("drips", "does not answer (no answer within 0.5 seconds)"),
        ("wrong", "does not answer"),
        ("broken", "answers with an error"),
        ("busy", "answers with an error"),
    ],
)
def test_a_server_that_is_there_and_fails_is_not_waited_for_for_ever(
    fault: Fault, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chroma, "OPENING", 0.5)
    with faulty_server(fault) as address, pytest.raises(ServiceError) as caught:
        http_client(address)
    assert said in str(caught.value)
    assert address in str(caught.value)
    assert address not in caught.value.public


def test_the_end_of_the_run_ends_the_wait_for_a_server() -> None:
    def ended() -> None:
        raise Cancelled

    with faulty_server("hangs") as address, using_check(ended), pytest.raises(Cancelled):
        http_client(address)


def test_calls_of_a_collection_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging:
        metadata = "threshold 2"

        def get_collection(self) -> "Hanging":
            return self

        def query(self) -> None:
            threading.Event().wait(30)

        def count(self) -> int:
            raise InternalError("Internal Server Error")

    monkeypatch.setattr(chroma, "TIMEOUT", 0.2)
    collection = BoundedClient(Hanging(), "http://127.0.0.1:8000").get_collection()
    assert collection.metadata == "threshold 2"
    with pytest.raises(ServiceError, match="does not answer"):
        collection.query()
    with pytest.raises(ServiceError, match="answers with an error"):
        collection.count()
