"""Half precision for a CLIP model, where it leaves the nearest names and pictures as they are."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagerag.assets.library import bundled_library
from imagerag.devices import has_bfloat16
from imagerag.embedders.clip import Embedder, OpenClipEmbedder

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

COMPARED = 48
"""Bundled pictures, and their names, of which the nearest of each must stay the nearest."""
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
    """Return the embedder, computing in the first format that leaves what is nearest to each name and picture as it is.

    Where none does, it computes in full precision, which is logged.
    """
    if not formats or not isinstance(embedder, OpenClipEmbedder):
        return embedder
    library = bundled_library()
    rows = np.linspace(0, len(library) - 1, COMPARED).astype(int).tolist()
    pictures, names = [library.image(row) for row in rows], [library.entries[row].concept for row in rows]

    def cosines(of: Embedder) -> NDArray[np.float32]:
        return of.embed_texts(names) @ of.embed_images(pictures).T

    full = cosines(embedder)
    for format in formats:
        half = embedder.computing_in(format)
        if same_nearest(full, cosines(half)):
            return half
    told = " or ".join(str(format).rpartition(".")[2] for format in formats)
    where = embedder.device
    _log.warning(
        "CLIP model %r computes in float32 on %s: in %s other pictures are nearest", embedder.name, where, told
    )
    return embedder


def same_nearest(full: NDArray[np.float32], half: NDArray[np.float32]) -> bool:
    """Tell whether two matrices of cosines, (names, pictures), agree on what is nearest to each name and picture."""
    if not np.isfinite(half).all():  # beyond the range of float16
        return False
    return all(np.array_equal(full.argmax(axis), half.argmax(axis)) for axis in (0, 1))
