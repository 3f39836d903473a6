"""Half precision for a CLIP model, where it leaves every rank of names and pictures as it is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagerag.assets.library import bundled_library
from imagerag.devices import has_bfloat16
from imagerag.embedders.clip import Embedder, NoNumbers, OpenClipEmbedder

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

COMPARED = 48
"""Bundled pictures, and their names, each of which must rank all of the others as before."""
TENSOR_CORES = 7
"""Compute capability from which on NVIDIA's GPUs multiply float16 faster than float32; most older ones are slower (CUDA
C++ Programming Guide, table of the throughput of arithmetic instructions)."""


def half_formats(device: str, dtype: str = "auto") -> list[torch.dtype]:
    """Return the formats to try on a device, the more precise first; none on a CPU, or where float32 is asked for.

    float16 has eleven significant bits and bfloat16 eight, but some models exceed the range of float16.

    Args:
        device: a torch device name.
        dtype: the setting.
    """
    import torch

    where = torch.device(device)
    if where.type == "cpu" or dtype == "float32":
        return []
    if dtype != "auto":
        return [torch.float16 if dtype == "float16" else torch.bfloat16]
    old = where.type == "cuda" and not torch.version.hip
    if old and torch.cuda.get_device_capability(where)[0] < TENSOR_CORES:
        return []
    return [torch.float16, torch.bfloat16] if has_bfloat16(where) else [torch.float16]


def halve_if_same(embedder: Embedder, formats: Sequence[torch.dtype]) -> Embedder:
    """Return the embedder, computing in the first format that leaves every rank of names and pictures as it is.

    Where none does, it computes in full precision. What was found is logged, ties among it that changed places.
    """
    if not formats or not isinstance(embedder, OpenClipEmbedder):
        return embedder
    library = bundled_library()
    rows = np.linspace(0, len(library) - 1, COMPARED).astype(int).tolist()
    pictures, names = [library.image(row) for row in rows], [library.entries[row].concept for row in rows]
    texts, full = embedder.embed_texts(names), embedder.embed_images(pictures)
    halves = [embedder.embed_images(part) for part in (pictures[: COMPARED // 2], pictures[COMPARED // 2 :])]
    noise = float(np.abs(texts @ (full - np.concatenate(halves)).T).max())
    for format in formats:
        half = embedder.computing_in(format)
        try:
            cosines = half.embed_texts(names) @ half.embed_images(pictures).T
        except NoNumbers as error:
            _log.info("%s", error)
            continue
        change = rank_changes(texts @ full.T, cosines, noise)
        told = embedder.name, str(format).rpartition(".")[2], embedder.device, change.ties, noise
        if not change.ranks:
            _log.info("CLIP model %r computes in %s on %s: no rank changes, but %d ties closer than %.1g", *told)
            return half
        _log.info(
            "CLIP model %r does not compute in %s on %s: %d ranks change, of cosines up to %.1g apart",
            *told[:3],
            change.ranks,
            change.farthest,
        )
    return embedder


class RankChanges(NamedTuple):
    """How many pairs of cosines of one name, or of one picture, are in another order.

    Attributes:
        ranks: that differed by more than the noise.
        ties: that differed by no more.
        farthest: how far the farthest of them were apart.
    """

    ranks: int
    ties: int
    farthest: float


def rank_changes(full: NDArray[np.float32], half: NDArray[np.float32], noise: float = 0.0) -> RankChanges:
    """Compare the orders of two matrices of cosines, (names, pictures), along both axes.

    Args:
        full, half: in full precision and in another one; of the latter, not a number counts as another order.
        noise: by how much cosines differ in full precision, too, where pictures are embedded in other batches.
    """
    if not np.isfinite(half).all():  # beyond the range of float16
        return RankChanges(full.size, 0, float("inf"))
    ranks = ties = 0
    farthest = 0.0
    for before, after in ((full, half), (full.T, half.T)):
        one, other = np.triu_indices(before.shape[1], 1)
        apart = before[:, one] - before[:, other]
        turned = np.abs(apart[apart * (after[:, one] - after[:, other]) < 0])
        ranks += int((turned > noise).sum())
        ties += int((turned <= noise).sum())
        farthest = max(farthest, float(turned.max(initial=0.0)))
    return RankChanges(ranks, ties, farthest)
