"""How searching holds up with size: vectors in clusters, straight into shards, so that no model is at work.

Each size's library is kept in the folder for temporary files, and a broken-off run goes on where it was.
"""

import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from imagerag.index.user.search import Searcher, SearchQuery
from imagerag.index.user.shards import FULL, Shards, model_tag
from imagerag.index.user.snapshot import SnapshotReader
from imagerag.index.user.vector_store import VectorStore

D = 512
K = 10
QUERIES = 200
MODEL = "bench"
STORED = 1024
"""Embeddings per file, as the reference implementation of the paper stores them."""


Answer = TypeVar("Answer")


class Sized(NamedTuple):
    """What one size came to: seconds per query, recall@10, seconds of building, and bytes."""

    n: int
    ours: float
    chroma: float
    product: float
    reread: float
    recall: float
    built: float
    memory: int
    disk: int


def clusters(n: int, seed: int = 0) -> Iterator[NDArray[np.float32]]:
    """Yield (m, 512) unit rows in parts, about 100 to a cluster, spread as pictures of one thing are: cosine 0.74."""
    random = np.random.default_rng(seed)
    centres = _unit(random.standard_normal((max(n // 100, 1), D), np.float32))
    for start in range(0, n, FULL):
        m = min(FULL, n - start)
        yield _near(centres[random.integers(0, len(centres), m)], random)


def _near(rows: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    return _unit(rows + np.float32(0.6 / np.sqrt(D)) * random.standard_normal(rows.shape, np.float32))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def library(n: int) -> tuple[Path, Path]:
    """Return the folders of a library of ``n`` vectors and of the same in stored batches, made if need be."""
    folder = Path(tempfile.gettempdir()) / "imagerag-bench-index" / str(n)
    own, stored = folder / "own", folder / "stored"
    if (folder / "whole").exists():
        return own, stored
    import torch

    shutil.rmtree(folder, ignore_errors=True)
    stored.mkdir(parents=True)
    shards = Shards(own / "shards")
    first = 0
    for part in clusters(n):
        numbers = range(first, first + len(part))
        texts = {"key": "k{}", "sha256": "{:064x}", "caption": "picture {}", "source": "s{}"}
        columns: dict[str, object] = {name: [text.format(i) for i in numbers] for name, text in texts.items()}
        columns |= {"licence": ["CC0-1.0"] * len(part), "embedding": part}
        shards.write(model_tag(MODEL), columns, metadata={"model": MODEL})
        for start in range(0, len(part), STORED):
            torch.save(torch.from_numpy(part[start : start + STORED]), stored / f"{first + start:09d}.pt")
        first += len(part)
    (folder / "whole").touch()
    return own, stored


def measure(n: int) -> Sized:
    """Build what is missing, and time the four ways of searching."""
    import torch

    own, stored = library(n)
    known = SnapshotReader(Shards(own / "shards"), MODEL).snapshot()
    collections = VectorStore(own, MODEL)
    seconds = own / "built"
    began = time.perf_counter()
    collections.bring_up_to(known)
    if not seconds.exists():
        seconds.write_text(str(time.perf_counter() - began), encoding="utf-8")
    collections.close()
    searcher = Searcher(known, collections)
    assert searcher.late == 0
    random = np.random.default_rng(1)
    picked = np.sort(random.choice(n, min(QUERIES, n), replace=False))
    queries = _near(known.vectors(picked), random)
    searcher.search(["warm"], queries[:1], SearchQuery(K))
    ours, found = _timed(
        queries, lambda query: [one.at for one in searcher.search([""], query[None], SearchQuery(K))[0]]
    )
    chroma, _ = _timed(
        queries,
        lambda query: collections.pictures.query(query_embeddings=query[None], n_results=K, include=["distances"]),
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    vectors = known.vectors(np.arange(n))
    product, exact = _timed(queries, lambda query: np.argpartition(-(vectors @ query), K)[:K].tolist())

    def reread(query: NDArray[np.float32]) -> list[int]:
        parts = [(torch.load(file) @ torch.from_numpy(query)).numpy() for file in sorted(stored.glob("*.pt"))]
        return [int(at) for at in np.argpartition(-np.concatenate(parts), K)[:K]]

    slow, _ = _timed(queries[:5], reread)
    recall = float(np.mean([len(set(a) & set(b)) / K for a, b in zip(found, exact, strict=True)]))
    disk = sum(file.stat().st_size for file in own.rglob("*") if file.is_file())
    collections.close()
    return Sized(n, ours, chroma, product, slow, recall, float(seconds.read_text()), memory, disk)


def _timed(queries: NDArray[np.float32], search: Callable[[NDArray[np.float32]], Answer]) -> tuple[float, list[Answer]]:
    """Return the median of the seconds per query, and the answers."""
    seconds, answers = [], []
    for query in queries:
        began = time.perf_counter()
        answers.append(search(query))
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds)), answers
