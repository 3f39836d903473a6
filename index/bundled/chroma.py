"""The reference index in Chroma: captions in, pictures out, built from the bundled library when first asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imagerag.assets.library import Library, bundled_library
from imagerag.embedders.calibration import bundled_calibration
from imagerag.errors import FileError, InvalidArgument, UserError
from imagerag.index.base import PLAIN_SEARCH, Hit, SearchOptions
from imagerag.index.bundled.build import COLLECTION, Progress, build
from imagerag.index.bundled.stamp import REBUILD, Stamp, check_fits, check_seal, damaged, file_digest, read_stamp
from imagerag.index.chroma_client import get_collection, naming_chroma, open_client
from imagerag.index.filters import all_hold
from imagerag.index.fusion import most_relevant
from imagerag.index.lock import PATIENCE, writer_lock
from imagerag.index.lookup_floor import hits_above
from imagerag.index.user_libraries import BUNDLED_FOUND
from imagerag.index.word_vectors import ConceptWords, words_embedded
from imagerag.store.files import address_path, write_whole
from imagerag.store.png import encode_png, is_whole_png, on_white

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.embedders.clip import Embedder

LOCK = "lock"
LOOKED_AT = 25
"""Nearest pictures among which those above the fitted floor, or unlike each other, are sought. On the half ``dev``
no more was above it among 50."""
Keep = Callable[[Mapping[str, str]], bool]


class ChromaIndex:
    """A ``ReferenceIndex`` in ``directory/index``. Threads may share one; processes may share the folder.

    Nothing is read or written before the first call. An index that is missing is built then; one that was made with
    another model, or is damaged, is refused until ``rebuild``. When another process rebuilds, the next search reads
    the new one.

    Args:
        directory: the data directory; pictures that were found are laid out under its ``library`` folder.
        embedder: the model that embeds captions, and pictures where the library brings no embeddings of that model.
        library: what is indexed; the bundled one if not given.
        progress: told how far a build has come.
        on_wait: told in words when another process builds and this one waits.
        patience: seconds to wait for it.
    """

    def __init__(
        self,
        directory: str | Path,
        embedder: Embedder,
        *,
        library: Library | None = None,
        progress: Progress | None = None,
        on_wait: Callable[[str], None] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.home = Path(directory)
        self.directory = self.home / "index"
        self.embedder = embedder
        self.library = library or bundled_library()
        self.progress = progress
        self.on_wait = on_wait
        self._patience = patience
        self._lock = threading.RLock()
        self._stamp: Stamp | None = None
        self._client: Any = None
        self._collection: Any = None

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``: one pass of the model and one query of Chroma for all captions.

        Of the options it heeds ``exclude``, ``where``, ``floor`` and ``diverse``.
        """
        if isinstance(captions, str):
            raise InvalidArgument(f"captions {captions!r} is one text; give a list of captions")
        for caption in captions:
            _check_caption(caption)
        _check_k(k)
        if not captions:
            return []
        keep = all_hold(options.where) if options.where else None
        vectors = self.embedder.embed_texts([caption.strip() for caption in captions])
        bundled = bundled_calibration() if options.floor == "calibrated" else None
        fitted = bundled.floor if bundled is not None and bundled.model == self.embedder.model_id else None
        diverse = options.diverse or 0.0
        looked_at = k if fitted is None and not diverse else max(k, LOOKED_AT)
        answers = []
        for caption, nearest in zip(captions, self._query(vectors, looked_at, options.exclude, keep), strict=True):
            words = None if fitted is None else self._words
            hits = hits_above(options.floor, fitted, self.embedder, caption, nearest, words)
            if diverse and len(hits) > 1:  # also of few: those that are drawn with come first
                hits = [hits[at] for at in most_relevant(self._vectors(hits), k, diverse)]
            for hit in hits[:k]:
                self._lay_out(hit)
            answers.append(hits[:k])
        return answers

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``. Needs no built index."""
        row = self.library.find(sha256)
        if row is None:
            raise InvalidArgument(f"{sha256!r} is not the address of a picture in the library")
        return self.library.image(row)

    def ensure_library(self, progress: Progress | None = None) -> None:
        """Build the index if there is none yet; wait if another process is building it.

        Args:
            progress: instead of the one given to the index.

        Raises:
            UserError: it can't be built, is damaged or of another model, or another process takes too long.
        """
        with self._lock:
            if read_stamp(self.directory) is None:
                with self._writer():
                    if read_stamp(self.directory) is None:  # or else it was built while this process waited
                        build(self.directory, self.library, self.embedder, progress or self.progress)
            self._open()

    def rebuild(self, progress: Progress | None = None) -> dict[str, object]:
        """Build the index anew, whatever was there, and return its ``status``. Readers keep the old one until then.

        Raises:
            UserError: it can't be built, or another process is writing it.
        """
        with self._lock:
            self.close()
            with self._writer():
                build(self.directory, self.library, self.embedder, progress or self.progress)
            return self.status()

    def status(self) -> dict[str, object]:
        """Return what there is; see ``index_status``."""
        return index_status(self.home)

    def close(self) -> None:
        """Let go of Chroma's files; the next search opens them again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = self._collection = self._stamp = None

    @cached_property
    def _library_digest(self) -> str:
        return file_digest(self.library.path)

    def _writer(self) -> Any:
        return writer_lock(self.directory / LOCK, patience=self._patience, on_wait=self.on_wait)

    def _open(self) -> tuple[Any, Stamp]:
        """Return the collection, opened and checked once per index that is in place.

        Raises:
            UserError: there is none and it can't be built, it is damaged or does not fit.
        """
        stamp = read_stamp(self.directory)
        if stamp is None:
            self.ensure_library()
            return self._open()
        if stamp != self._stamp:
            self.close()
            try:
                self._collection = self._opened(stamp)
            except UserError:
                self.close()
                if read_stamp(self.directory) != stamp:  # rebuilt, and this one removed, in the meantime
                    return self._open()
                raise
            self._stamp = stamp
        return self._collection, stamp

    def _opened(self, stamp: Stamp) -> Any:
        from chromadb.errors import NotFoundError

        check_fits(self.directory, stamp, self.embedder.model_id, self._library_digest)
        check_seal(self.directory, stamp)
        folder = self.directory / stamp.folder
        try:
            with naming_chroma(folder, damaged=REBUILD):
                self._client = open_client(folder)
                collection = get_collection(self._client, COLLECTION)
                count = collection.count()
        except (NotFoundError, AttributeError) as error:  # AttributeError: a client that could not start
            raise damaged(self.directory, str(error)) from error
        metadata = collection.metadata or {}
        if (metadata.get("model"), metadata.get("schema")) != (stamp.model, stamp.schema):
            raise damaged(self.directory, f"it says {metadata!r} of itself")
        if count != stamp.images:
            raise damaged(self.directory, f"it holds {count} pictures, not {stamp.images}")
        return collection

    def _ask(self, vectors: NDArray[np.float32], wanted: int) -> Any:
        """Query the index that is in place before and after: Chroma answers wrongly while its files are removed."""
        from chromadb.errors import NotFoundError

        with self._lock:  # or another thread's search could close the client when it sees a rebuild
            while True:
                collection, stamp = self._open()
                try:
                    with naming_chroma(self.directory / stamp.folder, damaged=REBUILD):
                        found = collection.query(
                            query_embeddings=vectors,
                            n_results=min(wanted, stamp.images),
                            include=["metadatas", "distances"],
                        )
                except (FileError, NotFoundError) as error:
                    if read_stamp(self.directory) != stamp:
                        continue
                    raise error if isinstance(error, FileError) else damaged(self.directory, str(error)) from error
                if read_stamp(self.directory) == stamp:
                    return found

    def _query(
        self, vectors: NDArray[np.float32], k: int, exclude: Collection[str], keep: Keep | None = None
    ) -> list[list[Hit]]:
        found = self._ask(vectors, k + len(set(exclude)) if keep is None else len(self.library))
        return [
            self._hits(ids, metadatas, distances, k, exclude, keep)
            for ids, metadatas, distances in zip(found["ids"], found["metadatas"], found["distances"], strict=True)
        ]

    def _hits(
        self,
        ids: list[str],
        metadatas: list[dict[str, str]],
        distances: list[float],
        k: int,
        exclude: Collection[str],
        keep: Keep | None,
    ) -> list[Hit]:
        hits: list[Hit] = []
        for sha256, metadata, distance in zip(ids, metadatas, distances, strict=True):
            if sha256 in exclude or len(hits) == k:
                continue
            try:
                title, words = metadata["title"], metadata["words"].split("\n")
                words += self.library.synonyms.get(title, ())
                source, licence, its_set = metadata["source"], metadata["licence"], metadata["set"]
            except (KeyError, TypeError) as error:
                raise damaged(self.directory, f"picture {sha256[:12]} lacks its words") from error
            if keep and not keep({"caption": title, "title": title, "source": source, "licence": licence}):
                continue
            similarity = float(np.clip(1 - distance, -1, 1))
            path = address_path(self.home / BUNDLED_FOUND, sha256)
            hits.append(Hit(sha256, path, title, tuple(words), similarity, source, licence, its_set))
        return hits

    def _vectors(self, hits: Sequence[Hit]) -> NDArray[np.float32]:
        """Return (len, d) unit embeddings of pictures that were found."""
        stored = self._stored
        if stored is None:
            return self.embedder.embed_images([self.image(hit.sha256) for hit in hits])
        rows = [self.library.find(hit.sha256) for hit in hits]
        return stored[[row for row in rows if row is not None]]

    @cached_property
    def _stored(self) -> NDArray[np.float32] | None:
        return self.library.stored_embeddings(self.embedder.model_id)

    @cached_property
    def _words(self) -> ConceptWords:
        vectors = self.library.stored_word_vectors(self.embedder.model_id)
        if vectors is None:
            vectors = words_embedded(self.embedder, self.library.said)
        return ConceptWords([name for name, *_ in self.library.said], vectors)

    def _lay_out(self, hit: Hit) -> None:
        """Write a PNG of a picture on white when it is first found: 7,155 at once would take a minute."""
        if not is_whole_png(hit.path):
            write_whole(hit.path, encode_png(on_white(self.image(hit.sha256))), durable=False)


def index_status(home: str | Path) -> dict[str, object]:
    """Return what index there is below a data directory, without loading a model or Chroma.

    Returns:
        ``images`` (0 when there is no index yet), ``model`` (or ``None``), ``collection``, ``directory``, ``schema``.

    Raises:
        UserError: it is damaged, or of another schema.
    """
    directory = Path(home) / "index"
    stamp = read_stamp(directory)
    if stamp is not None:
        try:
            check_seal(directory, stamp)
        except UserError:
            if read_stamp(directory) != stamp:  # rebuilt in the meantime
                return index_status(home)
            raise
    return {
        "images": stamp.images if stamp else 0,
        "model": stamp.model if stamp else None,
        "collection": COLLECTION,
        "directory": str(directory),
        "schema": stamp.schema if stamp else None,
    }


def _check_caption(caption: str) -> None:
    if not caption.strip():
        raise InvalidArgument(f"caption {caption!r} is empty; describe one concept, as in 'a red lobster'")
    try:
        caption.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidArgument(
            f"caption {caption[:80]!r} is not valid Unicode at {error.start}; send it whole"
        ) from error


def _check_k(k: int) -> None:
    if k < 1:
        raise InvalidArgument(f"k {k!r} is below 1; ask for at least one reference")
