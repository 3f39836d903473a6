"""Chroma's clients and collections."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.index.chroma_client import EF_SEARCH_USER, chroma_client, create_collection, get_collection, http_client


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


def test_nobody_answers() -> None:
    with pytest.raises(UserError, match=r"does not answer .*chroma run"):
        http_client("http://127.0.0.1:9")
