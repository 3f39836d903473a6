"""Chroma's clients and collections: the one place that opens them, and where HNSW is set."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from imagerag.errors import BudgetExceeded, Cancelled, FileError, ServiceError, UserError, first_line
from imagerag.interruptible import run_bounded
from imagerag.net.addresses import address_parts
from imagerag.store.file_errors import file_error
from imagerag.store.private import closed_below, private_file, private_folder
from imagerag.store.sqlite import check_no_code

PREFIX = "chroma-"
"""How the names of folders begin that hold Chroma's files."""

EF_SEARCH_LIBRARY = 512
"""Of the library: asked for its 1,614 names, recall@10 against exact search is 0.9973 with 128, 0.9994 with 256 and 1.0
with this, and six captions in one query take 8 ms instead of 5."""

EF_SEARCH_USER = 256
"""Of collections that may hold millions: recall@10 is 1.000 at 350,000 vectors and 0.995 at a million."""

OPENING = 10.0
"""Seconds to reach a Chroma server, which asks it three small things."""
TIMEOUT = 60.0
"""Seconds for one call of a Chroma server; handing over 2,000 vectors takes a few."""

_HNSW = {"space": "cosine", "max_neighbors": 16, "ef_construction": 128}


DATABASE = "chroma.sqlite3"
"""Chroma's own file in its folder, beside those of the graphs."""


def open_client(folder: Path) -> Any:
    """Return a client of a folder of Chroma's, without telemetry. The caller closes it, by ``close_client`` if it has
    written.

    Raises:
        ValueError: its database has code in it: see ``imagerag.store.sqlite.check_no_code``.
    """
    import chromadb
    from chromadb.config import Settings

    if not (folder / DATABASE).exists():
        private_folder(folder)
        private_file(folder / DATABASE)
    _check_no_code(folder / DATABASE)
    return chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))


def _check_no_code(file: Path) -> None:
    """Refuse a database that may be somebody else's, and would keep Chroma busy without end; its own has no code.

    Raises:
        ValueError: it has views or triggers.
    """
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            check_no_code(connection)
    except sqlite3.OperationalError:
        return  # it can't be opened, of which Chroma tells
    except sqlite3.DatabaseError as error:
        raise ValueError(str(error)) from error


def close_client(client: Any, folder: Path) -> None:
    """Close a client, and take from others what Chroma has let them read of its files."""
    try:
        client.close()
    finally:
        closed_below(folder)


@contextmanager
def chroma_client(folder: Path) -> Iterator[Any]:
    """Give a client of a folder of Chroma's for the length of a ``with`` block."""
    client = open_client(folder)
    try:
        yield client
    finally:
        close_client(client, folder)


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
    host, ssl, settings = parts.hostname, parts.scheme == "https", Settings(anonymized_telemetry=False)
    return BoundedClient(
        _answered(address, lambda: chromadb.HttpClient(host, port, ssl=ssl, settings=settings), OPENING), address
    )


class BoundedClient:
    """A client of a Chroma server, or a collection of it: each call ends within ``TIMEOUT``, and with the run.

    Chroma's own has no time-out at all.

    Args:
        inner: Chroma's.
        address: of the server, for messages.
    """

    def __init__(self, inner: Any, address: str) -> None:
        self._inner = inner
        self._address = address

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value):
            return value

        def call(*given: Any, **named: Any) -> Any:
            answer = _answered(self._address, lambda: value(*given, **named), TIMEOUT)
            return BoundedClient(answer, self._address) if name in ("create_collection", "get_collection") else answer

        return call


def _answered(address: str, call: Callable[[], Any], seconds: float) -> Any:
    from chromadb.errors import NotFoundError

    try:
        return run_bounded(call, seconds)
    except (NotFoundError, BudgetExceeded, Cancelled):
        raise
    except Exception as error:  # whatever Chroma and its HTTP library raise where nobody, or somebody else, answers
        raise unreachable(address, error) from error


@contextmanager
def naming_chroma(folder: Path, *, damaged: str) -> Iterator[None]:
    """Turn what Chroma raises about its files in a ``with`` block into errors that name them.

    Args:
        folder: of Chroma's.
        damaged: the way out where they are damaged.

    Raises:
        NotFoundError: a collection is not there, which is for the caller to mend.
        FileError: a file is damaged, or the disk is full, read-only or not ours.
    """
    from chromadb.errors import ChromaError, NotFoundError

    try:
        yield
    except NotFoundError:
        raise
    except FileError:
        raise
    except (ChromaError, OSError, ValueError) as error:
        raise file_error(folder / DATABASE, error, verb="used", damaged=damaged) from error
    except BaseException as error:
        # Rust's: on some damage Chroma fails where it never expected to. It is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise file_error(folder / DATABASE, error, verb="used", damaged=damaged) from error


def unreachable(address: str, error: Exception) -> ServiceError:
    """Return the error that says that a Chroma server does not answer, or not as it should, on one line."""
    from chromadb.errors import ChromaError

    line, public = first_line(error), "the Chroma server of this server"
    if isinstance(error, ChromaError) or _was_answered(error):
        told = f"the Chroma server at {address!r} answers with an error ({line}); see its log, or start it again"
        return ServiceError(told, f"{public} answers with an error")
    told = f"the Chroma server at {address!r} does not answer ({line}); start one: chroma run --path FOLDER"
    return ServiceError(told, f"{public} does not answer")


def _was_answered(error: BaseException | None) -> bool:
    """Tell whether an HTTP answer is behind an error: Chroma's client raises a plain ``ValueError`` over it."""
    while error is not None:
        if hasattr(error, "response"):
            return True
        error = error.__cause__ or error.__context__
    return False


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
