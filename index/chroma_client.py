"""Chroma's clients and collections: the one place that opens them, and where HNSW is set."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imagerag.errors import UserError, first_line
from imagerag.net.addresses import address_parts

PREFIX = "chroma-"
"""How the names of folders begin that hold Chroma's files."""

EF_SEARCH_LIBRARY = 512
"""Of the library: asked for its 1,614 names, recall@10 against exact search is 0.9973 with 128, 0.9994 with 256 and 1.0
with this, and six captions in one query take 8 ms instead of 5."""

EF_SEARCH_USER = 256
"""Of collections that may hold millions: recall@10 is 1.000 at 350,000 vectors and 0.995 at a million."""

_HNSW = {"space": "cosine", "max_neighbors": 16, "ef_construction": 128}


def open_client(folder: Path) -> Any:
    """Return a client of a folder of Chroma's, without telemetry. The caller closes it."""
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))


@contextmanager
def chroma_client(folder: Path) -> Iterator[Any]:
    """Give a client of a folder of Chroma's for the length of a ``with`` block."""
    client = open_client(folder)
    try:
        yield client
    finally:
        client.close()


def http_client(address: str) -> Any:
    """Return a client of a Chroma server.

    Raises:
        UserError: the address is none, or nothing answers there.
    """
    import chromadb
    from chromadb.config import Settings

    parts = address_parts(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"Chroma address {address!r} is not understood; give one like http://127.0.0.1:8000")
    port = parts.port or (443 if parts.scheme == "https" else 8000)
    try:
        return chromadb.HttpClient(
            parts.hostname, port, ssl=parts.scheme == "https", settings=Settings(anonymized_telemetry=False)
        )
    except Exception as error:  # whatever the HTTP library raises when nobody answers
        raise unreachable(address, error) from error


def unreachable(address: str, error: Exception) -> UserError:
    """Return the error that says that a Chroma server does not answer, on one line."""
    line = first_line(error)
    return UserError(f"the Chroma server at {address!r} does not answer ({line}); start one: chroma run --path FOLDER")


def create_collection(
    client: Any, name: str, metadata: Mapping[str, Any], *, ef_search: int, batch_size: int, sync_threshold: int
) -> Any:
    """Make an empty collection for vectors of our own, compared by cosine.

    Args:
        client: Chroma's.
        name: of the collection.
        metadata: kept with it.
        ef_search: candidates that a query looks at; more find more and take longer.
        batch_size: vectors that are added to the graph at a time.
        sync_threshold: vectors that Chroma keeps outside its graph files until so many have come.
    """
    hnsw = {**_HNSW, "ef_search": ef_search, "batch_size": batch_size, "sync_threshold": sync_threshold}
    return client.create_collection(
        name, embedding_function=None, metadata=dict(metadata), configuration={"hnsw": hnsw}
    )


def get_collection(client: Any, name: str) -> Any:
    """Return a collection that is there already; Chroma embeds nothing by itself."""
    return client.get_collection(name, embedding_function=None)
