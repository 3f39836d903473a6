"""Half precision for a CLIP model, where it leaves the ranks as they are."""

from __future__ import annotations

import numpy as np

from imagerag.assets.library import bundled_library
from imagerag.device_settings import DeviceSettings
from imagerag.devices import choose_dtype
from imagerag.embedders.clip import Embedder, OpenClipEmbedder

COMPARED = 48
"""Bundled pictures, and their names, of which the nearest of each must stay the nearest."""


def halve_if_same(embedder: Embedder) -> Embedder:
    """Return the embedder, computing in half precision if each name's nearest picture and each picture's nearest name
    are the same as in full precision."""
    import torch

    if not isinstance(embedder, OpenClipEmbedder):
        return embedder
    library = bundled_library()
    rows = np.linspace(0, len(library) - 1, COMPARED).astype(int).tolist()
    pictures, names = [library.image(row) for row in rows], [library.entries[row].concept for row in rows]

    def nearest(of: Embedder) -> list[int]:
        cosines = of.embed_texts(names) @ of.embed_images(pictures).T
        return [*cosines.argmax(axis=0).tolist(), *cosines.argmax(axis=1).tolist()]

    half = embedder.computing_in(choose_dtype(DeviceSettings(), torch.device(embedder.device)))
    return half if nearest(half) == nearest(embedder) else embedder
