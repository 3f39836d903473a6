"""A person's own pictures: added from wherever they lie, embedded once, searched together with the bundled library.

What is known of each picture lies in Parquet shards, written whole, one per batch; Chroma holds the same vectors for
search and is brought up to date from the shards. So a run that is killed loses at most one batch, and Chroma's files
can be removed at any time.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagerag.embedders.calibration import Calibration, bundled_calibration
from imagerag.errors import InvalidArgument, UserError
from imagerag.index.base import PLAIN_SEARCH, Floor, Hit, SearchOptions
from imagerag.index.bundled.build import Progress
from imagerag.index.lock import writer_lock
from imagerag.index.lookup_floor import hits_above
from imagerag.index.user.calibration_file import CalibrationFile
from imagerag.index.user.engines import open_engine
from imagerag.index.user.ingest import Ingest, IngestResult
from imagerag.index.user.search import Match, Searcher, SearchQuery
from imagerag.index.user.shards import CREDIT, Shards
from imagerag.index.user.skipped import SKIPPED, read_skipped
from imagerag.index.user.snapshot import Snapshot, SnapshotReader, merge
from imagerag.index.user.sources.gone import GoneSource
from imagerag.index.user.sources.items import Origin, Source
from imagerag.index.user.sources.origins import read_origin
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.sources.registry import open_sources
from imagerag.index.user.vector_store import VectorStore, renamed
from imagerag.index.user_libraries import FOUND, OWN, library_directory
from imagerag.shell_words import quoted
from imagerag.store.files import address_path, write_whole
from imagerag.store.picture_decoding import read_picture
from imagerag.store.png import encode_png, is_whole_png, on_white
from imagerag.store.private import private_folder

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.embedders.clip import Embedder

SMALL_SHARDS = 64
"""So many shards are merged when a run ends: each is a file to open."""
MOST_TIMES = 64
"""Times ``k`` that are looked through at most, for as many pictures as are wanted."""
SHOWN = 10_000
"""Pictures that the critic compares with, the newest: it looks at all of them in every window of an image."""


class UserPictures:
    """The own pictures of a data directory, of one model; one writer at a time, any number of readers.

    Args:
        home: the data directory.
        embedder: the model that embeds captions and pictures. Pictures of several models lie side by side.
        chroma: address of a Chroma server to search with; Chroma's files below ``home`` if not given.
        library: its name.

    Raises:
        UserError: the name is of no use.
    """

    def __init__(self, home: str | Path, embedder: Embedder, *, chroma: str | None = None, library: str = OWN) -> None:
        self.name = library
        self.directory = library_directory(home, library)
        self.embedder = embedder
        self._shards = Shards(self.directory / "shards")
        self._reader = SnapshotReader(self._shards, embedder.model_id)
        self._collections = VectorStore(self.directory, embedder.model_id, chroma)
        self.calibration_file = CalibrationFile(self.directory, embedder.model_id)
        self._lock = threading.RLock()
        self._searcher: Searcher | None = None

    def add(
        self,
        sources: Sequence[str | Path | Source],
        *,
        reading: ReadOptions | None = None,
        progress: Progress | None = None,
        building: Progress | None = None,
        on_wait: Callable[[str], None] | None = None,
        engine: str = "threads",
    ) -> IngestResult:
        """Add what sources hold; what changed is embedded again, what is gone is removed.

        Args:
            sources: as ``imagerag index add`` takes them, or opened ones.
            reading: how they are read. A licence that isn't given leaves unchanged pictures the one they have.
            progress: told how many of the pictures are done.
            building: told how far the search index has been brought up to date.
            on_wait: told in words when another process is adding.
            engine: where pictures are read and embedded; see ``open_engine``.

        Raises:
            UserError: a source does not exist, the data directory can't be written, another process takes too long, or
                the engine can't be used.
        """
        embedding = open_engine(engine, self.embedder)
        reading = (reading or ReadOptions())._replace(folder=self.directory / "fetched")
        opened = self._opened(sources, reading)
        private_folder(self.directory)
        outcome = IngestResult()
        with self._lock, writer_lock(self.directory / "lock", on_wait=on_wait):
            counts = [source.count() for source in opened]
            total, done = sum(counts), 0
            if progress is not None:
                progress(0, total)
            report = read_skipped(self.directory)
            try:
                for source, count in zip(opened, counts, strict=True):
                    adding = Ingest(self._shards, self.snapshot(), self.embedder, embedding, _one_space(self.embedder))
                    adding.run(source, reading.licence, _beyond(done, total, progress))
                    done += count
                    outcome = outcome.and_then(adding.outcome)
                    # Of single files of a folder only these have been looked at.
                    others = [entry for entry in report.get(source.name, []) if not source.owns(entry["path"])]
                    kept = [entry for entry in others if os.path.exists(entry["path"])]
                    report[source.name] = kept + adding.outcome.skipped
                    write_whole(self.directory / SKIPPED, json.dumps(report, ensure_ascii=False).encode())
            finally:
                embedding.close()
            self._bring_up_to_date(self.snapshot(), building)
        return outcome

    def _opened(self, sources: Sequence[str | Path | Source], reading: ReadOptions) -> list[Source]:
        """Open the sources; what was added once and is there no more is one, too, and has nothing."""
        roots = set(self.snapshot().table.column("root").to_pylist())
        gone: list[Source] = []
        there: list[str | Path | Source] = []
        for source in sources:
            path = Path(os.path.expanduser(source)).absolute() if isinstance(source, (str, Path)) and source else None
            if path is not None and str(path) in roots and not path.exists():
                gone.append(GoneSource(path))
            else:
                there.append(source)
        return [*open_sources(there, reading), *gone]

    def snapshot(self) -> Snapshot:
        """Return what is known of the pictures now."""
        return self._reader.snapshot()

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``; nothing is found where nothing was added.

        A picture's similarity is that of its look or, for a model to which texts and pictures are alike, of its caption
        to the words, whichever is higher. With models that compare no caption with the words, look, caption and words
        are ranked together unless the options say otherwise.
        """
        fused = not _one_space(self.embedder) if options.fused is None else options.fused
        subject = self.embedder.embed_images([options.like])[0] if options.like is not None else None
        exclude, fold, diverse = frozenset(options.exclude), bool(options.fold), options.diverse or 0.0
        asked = k
        while True:
            query = SearchQuery(asked, exclude, options.where, fused, fold, diverse, subject)
            known, answers = self.found(captions, query)
            hits = [self.hits(known, found, k) for found in answers]
            # Copies were folded, or files are gone: there may be more further down.
            if asked >= min(len(known), MOST_TIMES * k) or all(len(of_it) == k for of_it in hits):
                return [self.above(options.floor, text, of_it) for text, of_it in zip(captions, hits, strict=True)]
            asked = min(4 * asked, MOST_TIMES * k)

    def above(self, floor: Floor | None, caption: str, hits: list[Hit]) -> list[Hit]:
        """Return the hits that are above a floor; see ``hits_above``."""
        calibration = self.calibration if floor == "calibrated" else None
        return hits_above(floor, None if calibration is None else calibration.floor, self.embedder, caption, hits)

    @property
    def calibration(self) -> Calibration | None:
        """What was fitted for this model on these pictures, if anything; else, of the embedded one, the bundled fit."""
        bundled = bundled_calibration()
        return self.calibration_file.read() or (bundled if bundled.model == self.embedder.model_id else None)

    def found(self, captions: Sequence[str], query: SearchQuery) -> tuple[Snapshot, list[list[Match]]]:
        """Return the rows that are found for each caption, best first, and what is known, which they are rows of.

        Raises:
            UserError: there are pictures, but none embedded by this model.
        """
        if not captions or not self._any():
            return self.snapshot(), [[] for _ in captions]
        texts = [caption.strip() for caption in captions]
        vectors = self.embedder.embed_texts(texts)
        with self._lock:
            try:
                searcher = self._at_hand()
                answers = searcher.search(texts, vectors, query)
            except FileNotFoundError:  # what was known has been merged and removed in the meantime
                searcher = self._at_hand()
                answers = searcher.search(texts, vectors, query)
        return searcher.known, answers

    def shown(self) -> tuple[NDArray[np.float32], list[str]]:
        """Return the embeddings of the newest own pictures, (n, d), and what each shows: its caption, lower case."""
        known = self.snapshot()
        if not len(known):
            return np.empty((0, self.embedder.dimension), np.float32), []
        rows = np.arange(len(known))[-SHOWN:]
        return known.vectors(rows), [text.lower() for text in known.table.column("caption").take(rows).to_pylist()]

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``.

        Raises:
            InvalidArgument: it is none of the own pictures.
            UserError: its file is gone or changed, and it was never found before.
        """
        from PIL import Image as pil

        copy = self._copy(sha256)
        if is_whole_png(copy):
            return pil.open(copy).convert("RGBA")
        known = self.snapshot()
        at = known.by_address.get(sha256)
        if at is None:
            raise InvalidArgument(f"{sha256!r} is not the address of an own picture")
        return self._read(known, at).convert("RGBA")

    @property
    def ranks_by_similarity(self) -> bool:
        """Whether hits come in the order of their similarities, unless a search asks for another."""
        return _one_space(self.embedder)

    def close(self) -> None:
        """Let go of Chroma's files."""
        with self._lock:
            self._searcher = None
            self._collections.close()

    def is_empty(self) -> bool:
        """Tell by the names of files alone whether nothing was ever added; ``snapshot`` takes an import of pyarrow."""
        return not any(self.directory.glob("shards/*.parquet"))

    def _any(self) -> bool:
        """Tell whether there are pictures of this model.

        Raises:
            UserError: there are only those of another.
        """
        if len(self.snapshot()):
            return True
        if self._shards.of_an_earlier_version():
            raise UserError(
                "the own pictures were indexed by an earlier version; "
                "next: imagerag index add FOLDER, which embeds them again"
            )
        for other in self._shards.models():
            roots = sorted(set(SnapshotReader(self._shards, other).snapshot().table.column("root").to_pylist()))
            if not roots:
                continue
            named = quoted(roots[:ROOTS]) + (" ..." if len(roots) > ROOTS else "")
            name = getattr(self.embedder, "name", "")
            model = f" --lookup-model {quoted([name])}" if name not in ("", "embedded") else ""
            raise UserError(
                f"the own pictures were indexed with {other!r}, not {self.embedder.model_id!r}; "
                f"next: imagerag index add {named}{model}, which embeds them with this model, too"
            )
        return False

    def _at_hand(self) -> Searcher:
        known = self.snapshot()
        if self._searcher is None or self._searcher.known is not known or self._searcher.outdated:
            self._searcher = Searcher(known, self._collections)
        return self._searcher

    def _bring_up_to_date(self, known: Snapshot, progress: Progress | None) -> None:
        from imagerag.index.user.vector_store import UPSERT

        shown = progress if progress and len(known) > UPSERT else None
        self._searcher = None
        self._collections.bring_up_to(known, shown)
        live = self._shards.live()
        if len(live) > SMALL_SHARDS and len(live) > 2 * len(known) / FULL_ENOUGH:
            models = self._shards.models()
            before = {
                model: frozenset(shard.name for shard in SnapshotReader(self._shards, model).snapshot().shards)
                for model in models
            }
            for model, names in merge(self._shards, models).items():
                renamed(self.directory, model, before[model], names)

    def hits(self, known: Snapshot, found: Sequence[Match], k: int) -> list[Hit]:
        """Return what was found, but for pictures whose file has gone since: nothing can be drawn with them."""
        hits: list[Hit] = []
        for at, similarity in found:
            if len(hits) == k:
                break
            fields = {
                name: known.value(at, name) for name in ("sha256", "caption", "title", "source", "licence", *CREDIT)
            }
            copy = self._copy(fields["sha256"])
            if not is_whole_png(copy):
                try:
                    picture = self._read(known, at).convert("RGBA")
                except UserError:
                    continue
                write_whole(copy, encode_png(on_white(picture)), durable=False)
            words = tuple(dict.fromkeys(text for text in (fields["caption"], fields["title"]) if text)) or (
                known.value(at, "key"),
            )
            clipped = float(np.clip(similarity, -1, 1))
            where = (fields["source"], fields["licence"], self.name, *(fields[name] for name in CREDIT))
            hits.append(Hit(fields["sha256"], copy, words[0], words, clipped, *where))
        return hits

    def _read(self, known: Snapshot, at: int) -> Image.Image:
        import hashlib

        origin = Origin(*(known.value(at, name) for name in ("kind", "file", "place")))
        data = read_origin(origin)
        if hashlib.sha256(data).hexdigest() != known.value(at, "sha256"):
            again = known.value(at, "root")
            raise UserError(
                f"{known.value(at, 'key')!r} has changed since it was indexed; run: imagerag index add {again!r}"
            )
        return read_picture(data, name=f"image {known.value(at, 'key')!r}")

    def _copy(self, sha256: str) -> Path:
        """Where a PNG of a picture lies once it was found: a run's references outlive the files they came from."""
        return address_path(self.directory / FOUND, sha256)


FULL_ENOUGH = 4096
"""Rows per shard from which on merging would not pay."""
ROOTS = 3
"""Sources that an error names."""


def _one_space(embedder: Embedder) -> bool:
    """Tell whether a model holds texts and pictures alike, so that a caption can be compared with what is looked for.

    The embedded one does: its image tower was trained to meet a frozen encoder of sentences. In CLIP and SigLIP any two
    texts are nearer to each other than to any picture; there captions are searched by their words.
    """
    return embedder.model_id.startswith("embedded-clip") or getattr(embedder, "one_space", False)


def _beyond(before: int, total: int, progress: Progress | None) -> Callable[[int], None]:
    return (lambda done: progress(before + done, total)) if progress else (lambda done: None)
