"""A person's own pictures: folders of files, embedded once, searched together with the bundled library.

What is known of each picture lies in Parquet shards, written whole, one per batch; Chroma holds the same vectors for
search and is brought up to date from the shards. So a run that is killed loses at most one batch, and Chroma's files
can be removed at any time.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagerag.errors import InvalidArgument, UserError
from imagerag.index.building import PREFIX, Progress, open_client
from imagerag.index.lock import one_writer
from imagerag.index.references import Hit
from imagerag.store.files import address_path, cannot_read, read_whole, write_whole
from imagerag.store.pictures import read_picture
from imagerag.store.png import encode_png, on_white

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.engines.clip import Embedder
    from imagerag.index.chroma import ChromaIndex

FOLDER = "own"
COLLECTION = "own"
BATCH = 64
"""Pictures decoded, embedded and written at a time: what a killed run has to do again."""
SIDE = 512
"""Pixels on the longer side at which a picture waits to be embedded; no model here takes more."""
UPSERT = 2000
"""Vectors handed to Chroma at a time; it takes 5,461."""
NO_LICENCE = "unknown"


class Row(NamedTuple):
    """What is known of one file.

    Attributes:
        path: absolute.
        sha256: of the file's bytes: the picture's identity, wherever it lies.
        caption: from a text file of the same name, or the file's own name in words.
        licence: as given when it was added.
        size, mtime: bytes and nanoseconds; a file with both unchanged is not read again.
        model: whose embedding it is.
        added: seconds since the epoch; of two rows for a path the later counts.
        embedding: (d,) unit vector of the picture.
        meaning: (d,) unit vector of the caption: what a person calls a thing, no model may know by sight.
    """

    path: str
    sha256: str
    caption: str
    licence: str
    size: int
    mtime: int
    model: str
    added: float
    embedding: NDArray[np.float32]
    meaning: NDArray[np.float32]


@dataclass
class Added:
    """What adding came to: counts of pictures, and the files left out with the reason."""

    added: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: list[dict[str, str]] = field(default_factory=list)


class OwnPictures:
    """The own pictures of a data directory; one writer at a time, any number of readers.

    Args:
        home: the data directory.
        embedder: the model that embeds captions and pictures.
    """

    def __init__(self, home: str | Path, embedder: Embedder) -> None:
        self.directory = Path(home) / FOLDER
        self.embedder = embedder
        self._lock = threading.RLock()
        self._known: tuple[str, dict[str, Row]] | None = None
        self._client: Any = None
        self._collection: tuple[str, Any] | None = None

    def add(
        self,
        folders: Sequence[str | Path],
        *,
        licence: str = NO_LICENCE,
        progress: Progress | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> Added:
        """Add files, and all files below folders; what changed is embedded again, what is gone is removed.

        Args:
            folders: files or folders; links to folders are not followed.
            licence: of all that is added now; SPDX identifier where there is one. What isn't given leaves unchanged
                files the licence they have.
            progress: told how many of the files are done.
            on_wait: told in words when another process is adding.

        Raises:
            UserError: a path does not exist, the data directory can't be written, or another process takes too long.
        """
        roots = [Path(folder).absolute() for folder in folders]
        for root in roots:
            if not root.exists():
                raise UserError(f"{str(root)!r} does not exist; give a folder or a file with pictures")
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._lock, one_writer(self.directory / "lock", on_wait=on_wait):
            rows = self._rows()
            files = sorted({file for root in roots for file in _files(root)})
            here = {str(file) for file in files}
            outcome = Added()
            fresh = [file for file in files if not self._unchanged(file, rows.get(str(file)), licence)]
            outcome.unchanged = len(files) - len(fresh)
            done = outcome.unchanged
            for rows_done, skipped in self._embedded(fresh, licence):
                self._write(rows_done)
                outcome.added += len(rows_done)
                outcome.skipped += skipped
                done += len(rows_done) + len(skipped)
                if progress:
                    progress(done, len(files))
            lost = {entry["path"] for entry in outcome.skipped} & set(rows)  # what has no valid name was never in
            gone = {path for path in rows if path not in here and any(Path(path).is_relative_to(r) for r in roots)}
            outcome.removed = len(gone)
            if gone or lost:
                self._compact(gone | lost)
            self._synchronised()
        return outcome

    def search(self, captions: Sequence[str], k: int, *, exclude: Collection[str] = ()) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``; nothing is found where nothing was added.

        A picture's similarity is that of its look or of its caption to the words, whichever is higher.
        """
        if not captions or not self._by_address():
            return [[] for _ in captions]
        vectors = self.embedder.embed_texts([caption.strip() for caption in captions])
        with self._lock:
            collection, rows = self._synchronised(), self._by_address()
            wanted = min(k + len(set(exclude)), len(rows))
            found = collection.query(query_embeddings=vectors, n_results=wanted, include=["distances"])
        keys = list(rows)
        meanings = np.stack([rows[key].meaning for key in keys])
        answers = []
        for ids, distances, vector in zip(found["ids"], found["distances"], vectors, strict=True):
            similarity = {key: 1 - float(distance) for key, distance in zip(ids, distances, strict=True)}
            by_caption = meanings @ vector
            for at in np.argsort(-by_caption)[:wanted]:
                similarity[keys[at]] = max(similarity.get(keys[at], -1.0), float(by_caption[at]))
            best = sorted((set(similarity) & set(rows)) - set(exclude), key=lambda key: (-similarity[key], key))
            hits = [self._hit(rows[key], similarity[key]) for key in best[:wanted]]
            answers.append([hit for hit in hits if hit is not None][:k])
        return answers

    def shown(self) -> tuple[NDArray[np.float32], list[str]]:
        """Return the embeddings of all own pictures, (n, d), and what each shows: its caption, in lower case."""
        rows = [row for row in self._rows().values() if row.model == self.embedder.model_id]
        if not rows:
            return np.empty((0, self.embedder.dimension), np.float32), []
        return np.stack([row.embedding for row in rows]), [row.caption.lower() for row in rows]

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``.

        Raises:
            InvalidArgument: it is none of the own pictures.
            UserError: its file is gone or changed, and it was never found before.
        """
        from PIL import Image as pil

        copy = self._copy(sha256)
        if copy.is_file():
            return pil.open(copy).convert("RGBA")
        row = self._by_address().get(sha256)
        if row is None:
            raise InvalidArgument(f"{sha256!r} is not the address of an own picture")
        data = read_whole(Path(row.path))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise UserError(f"{row.path!r} has changed since it was indexed; run: imagerag index add {row.path!r}")
        return read_picture(data).convert("RGBA")

    def close(self) -> None:
        """Let go of Chroma's files."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = self._collection = None

    def _unchanged(self, file: Path, row: Row | None, licence: str) -> bool:
        if row is None or row.model != self.embedder.model_id or licence not in (row.licence, NO_LICENCE):
            return False
        try:
            status = file.stat()
        except OSError:
            return False  # gone in the meantime, or a link to nothing: decoding it says so in words
        return (status.st_size, status.st_mtime_ns) == (row.size, row.mtime) and row.caption == _caption(file)

    def _embedded(self, files: Sequence[Path], licence: str) -> Iterator[tuple[list[Row], list[dict[str, str]]]]:
        """Decode, a batch ahead of the model, and embed."""
        parts = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
        with ThreadPoolExecutor(max(os.cpu_count() or 1, 2)) as pool:
            waiting = [pool.submit(_decoded, file) for file in parts[0]] if parts else []
            for number, part in enumerate(parts):
                ahead = [pool.submit(_decoded, file) for file in parts[number + 1]] if number + 1 < len(parts) else []
                good, skipped = [], []
                for file, future in zip(part, waiting, strict=True):
                    try:
                        good.append((file, *future.result()))
                    except UserError as error:
                        skipped.append({"path": _shown(file), "reason": str(error)})
                vectors = self.embedder.embed_images([picture for *_, picture in good])
                captions = [_caption(file) for file, *_ in good]
                meanings = self.embedder.embed_texts(captions)
                model, now = self.embedder.model_id, time.time()
                rows = [
                    Row(str(file), sha256, caption, licence, size, mtime, model, now, vector, meaning)
                    for (file, sha256, size, mtime, _), caption, vector, meaning in zip(
                        good, captions, vectors, meanings, strict=True
                    )
                ]
                yield rows, skipped
                waiting = ahead

    def _write(self, rows: Sequence[Row]) -> Path | None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not rows:
            return None
        columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in Row._fields}
        for name in ("embedding", "meaning"):
            columns[name] = pa.array([getattr(row, name).tolist() for row in rows], pa.list_(pa.float32()))
        out = io.BytesIO()
        pq.write_table(pa.table(columns), out)
        path = self.directory / "shards" / f"{uuid.uuid4().hex}.parquet"
        write_whole(path, out.getvalue())
        return path

    def _compact(self, without: Collection[str]) -> None:
        """Write all rows but those of the given paths anew, then remove the shards they were in."""
        old = _shards(self.directory)
        self._write([row for path, row in self._rows().items() if path not in without])
        for shard in old:
            shard.unlink()

    def _state(self) -> str:
        """Return what changes whenever the shards do."""
        return hashlib.sha256("\n".join(shard.name for shard in _shards(self.directory)).encode()).hexdigest()

    def _rows(self) -> dict[str, Row]:
        """Return the row of each path, read again when the shards have changed."""
        state = self._state()
        if self._known is None or self._known[0] != state:
            self._known = state, _read_rows(self.directory)
        return self._known[1]

    def _by_address(self) -> dict[str, Row]:
        rows = {row.sha256: row for row in self._rows().values() if row.model == self.embedder.model_id}
        if not rows and (others := {row.model for row in self._rows().values()}):
            raise UserError(
                f"the own pictures were indexed with {sorted(others)[0]!r}, not {self.embedder.model_id!r}; "
                "next: imagerag index add FOLDER, which embeds them again"
            )
        return rows

    def _synchronised(self) -> Any:
        """Return Chroma's collection, holding exactly what the shards hold."""
        from chromadb.errors import ChromaError

        state = self._state() + self.embedder.model_id
        if self._collection is not None and self._collection[0] == state:
            return self._collection[1]
        there = sorted(self.directory.glob(f"{PREFIX}*"))
        try:
            collection = self._matched(there[0] if there else self._new_folder())
        except (ChromaError, OSError, ValueError, AttributeError):
            # Only a copy of the shards, so it is made again. (AttributeError: a client that could not start can't be
            # stopped either.)
            self.close()
            for folder in there:
                shutil.rmtree(folder, ignore_errors=True)
            collection = self._matched(self._new_folder())
        self._collection = state, collection
        return collection

    def _new_folder(self) -> Path:
        """Return a name that Chroma, which remembers clients by their folder, has never met."""
        return self.directory / f"{PREFIX}{uuid.uuid4().hex[:12]}"

    def _matched(self, folder: Path) -> Any:
        if self._client is None:
            self._client = open_client(folder)
        collection = self._client.get_or_create_collection(
            COLLECTION, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        rows = {row.sha256: row for row in self._rows().values() if row.model == self.embedder.model_id}
        mark = folder / "matches"
        state = self._state() + self.embedder.model_id
        if mark.is_file() and mark.read_text(encoding="utf-8") == state and collection.count() == len(rows):
            return collection
        held = set(collection.get(include=[])["ids"])
        extra, lacking = sorted(held - set(rows)), sorted(set(rows) - held)
        for start in range(0, len(extra), UPSERT):
            collection.delete(ids=extra[start : start + UPSERT])
        if mark.is_file() and not mark.read_text(encoding="utf-8").endswith(self.embedder.model_id):
            lacking = sorted(rows)  # what is held is another model's
        for start in range(0, len(lacking), UPSERT):
            part = lacking[start : start + UPSERT]
            collection.upsert(ids=part, embeddings=np.stack([rows[key].embedding for key in part]))
        write_whole(mark, state.encode())
        return collection

    def _hit(self, row: Row, similarity: float) -> Hit | None:
        """Return what was found; ``None`` where the file has gone since: nothing can be drawn with it."""
        copy = self._copy(row.sha256)
        if not copy.is_file():
            try:
                picture = self.image(row.sha256)
            except UserError:
                return None
            write_whole(copy, encode_png(on_white(picture)), durable=False)
        clipped = float(np.clip(similarity, -1, 1))
        return Hit(row.sha256, copy, row.caption, (row.caption,), clipped, row.path, row.licence, FOLDER)

    def _copy(self, sha256: str) -> Path:
        """Where a PNG of a picture lies once it was found: a run's references outlive the files they came from."""
        return address_path(self.directory / "found", sha256)


class TogetherIndex:
    """A ``ReferenceIndex`` over the bundled library and the person's own pictures.

    Args:
        library: the library's index.
        own: the own pictures, embedded by the same model.
    """

    def __init__(self, library: ChromaIndex, own: OwnPictures) -> None:
        self.library = library
        self.own = own

    def search(self, captions: Sequence[str], k: int, *, exclude: Collection[str] = ()) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``: the nearest of both; cosines of one model are comparable."""
        bundled = self.library.search(captions, k, exclude=exclude)
        own = self.own.search(captions, k, exclude=exclude)
        return [
            sorted([*mine, *theirs], key=lambda hit: -hit.similarity)[:k]
            for mine, theirs in zip(own, bundled, strict=True)
        ]

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``."""
        try:
            return self.own.image(sha256)
        except InvalidArgument:
            return self.library.image(sha256)


def own_status(home: str | Path) -> dict[str, object]:
    """Return ``images`` (pictures, identical ones once), ``files`` and ``models`` of the own pictures.

    Raises:
        UserError: what is known of them is damaged.
    """
    rows = _read_rows(Path(home) / FOLDER).values()
    models = sorted({row.model for row in rows})
    return {"images": len({row.sha256 for row in rows}), "files": len(rows), "models": models}


def _shards(directory: Path) -> list[Path]:
    return sorted((directory / "shards").glob("*.parquet"))


def _read_rows(directory: Path) -> dict[str, Row]:
    """Return the newest row of each path."""
    import pyarrow.parquet as pq

    rows: dict[str, Row] = {}
    for shard in _shards(directory):
        try:
            table = pq.read_table(shard).to_pydict()
            columns = [table[name] for name in Row._fields]
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{str(shard)!r} is damaged ({error}); remove it and add its folders again") from error
        for *values, embedding, meaning in zip(*columns, strict=True):
            row = Row._make([*values, np.asarray(embedding, np.float32), np.asarray(meaning, np.float32)])
            if row.path not in rows or rows[row.path].added <= row.added:
                rows[row.path] = row
    return rows


def _files(root: Path) -> Iterator[Path]:
    """Every file at or below a path but hidden ones and the captions of others."""
    if root.is_file():
        yield root
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        stems = {Path(name).stem for name in names if not name.endswith(".txt")}
        for name in sorted(names):
            captions_another = name.endswith(".txt") and Path(name).stem in stems
            if not name.startswith(".") and not captions_another:
                yield Path(folder) / name


def _caption(file: Path) -> str:
    """What a file shows: the first line of the text beside it, or its name in words."""
    beside = file.with_suffix(".txt")
    if beside != file and beside.is_file():
        try:
            lines = beside.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError as error:
            raise cannot_read(beside, error) from error
        if lines and lines[0].strip():
            return " ".join(lines[0].split())[:500]
    return " ".join(file.stem.replace("_", " ").replace("-", " ").split()) or file.name


def _decoded(file: Path) -> tuple[str, int, int, Image.Image]:
    """Return a file's digest, size, time of change, and its picture, small enough to wait in memory.

    Raises:
        UserError: it can't be read, or is no picture.
    """
    try:
        str(file).encode("utf-8")
        status = file.stat()
    except UnicodeEncodeError:
        raise UserError(f"the name of {str(file)!a} is not valid UTF-8; rename it") from None
    except OSError as error:
        raise cannot_read(file, error) from error
    if not stat.S_ISREG(status.st_mode):  # reading a named pipe would wait for ever
        raise UserError(f"{str(file)!r} is no regular file; leave it out")
    data = read_whole(file)
    picture = read_picture(file)
    picture.thumbnail((SIDE, SIDE))
    return hashlib.sha256(data).hexdigest(), status.st_size, status.st_mtime_ns, picture


def _shown(file: Path) -> str:
    """The path as text that can be printed and written, whatever bytes the name is made of."""
    return str(file).encode("utf-8", "backslashreplace").decode()
