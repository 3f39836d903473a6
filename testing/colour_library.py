"""Small libraries of coloured pictures, with embedders to match."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagerag.assets.library import Library

HUES = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255), "black": (0, 0, 0)}
SIDE = 16


class ColourEmbedder:
    """A small model of its own: pictures and texts meet in the mean colour; counts its passes."""

    dimension = 8

    def __init__(self, model_id: str = "colour@1") -> None:
        self.model_id = model_id
        self.passes: list[int] = []

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.passes.append(len(texts))
        return self._unit([np.mean([HUES[word] for word in text.split() if word in HUES], axis=0) for text in texts])

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        flat = [
            Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")) for image in images
        ]
        return self._unit([np.asarray(image.convert("RGB"), float).mean((0, 1)) for image in flat])

    def _unit(self, colours: Sequence[Any]) -> NDArray[np.float32]:
        rows = np.zeros((len(colours), self.dimension), np.float32)
        rows[:, :3] = np.asarray(colours) / 127.5 - 1
        rows[:, 3] = 0.1
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


def write_library(path: Path, count: int) -> None:
    """A library of as many pictures, each of one colour, some of them twice under another name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = []
    for i in range(count):
        hue = list(HUES)[i % 5]
        shade = tuple(np.clip(np.array(HUES[hue]) * (1 - i / count / 3), 0, 255).astype(int))
        out = io.BytesIO()
        Image.new("RGBA", (SIDE, SIDE), (*shade, 255 if i else 0)).save(out, "WEBP", lossless=True)
        rows.append(
            {
                "concept": f"{hue} square {i}",
                "keywords": [hue, "square"],
                "category": "colours",
                "set": "squares",
                "licence": "CC0-1.0",
                "source": f"Squares {i}",
                "sha256": hashlib.sha256(out.getvalue()).hexdigest(),
                "in_base": False,
                "held_out": False,
                "image": out.getvalue(),
            }
        )
    pq.write_table(pa.Table.from_pylist(rows), path)


def distinct(library: Library) -> int:
    return len({entry.sha256 for entry in library.entries})


class WideEmbedder(ColourEmbedder):
    """Long vectors, so that Chroma's graph is larger than its database's journal."""

    dimension = 1536


class WideLibrary(Library):
    """1,000 entries without pictures that bring their vectors along."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        first = self.entries[0]
        self.__dict__["entries"] = tuple(
            type(first)(**{**vars(first), "sha256": hashlib.sha256(bytes([i % 256, i // 256])).hexdigest()})
            for i in range(1000)
        )

    def stored_embeddings(self, model_id: str) -> NDArray[np.float32]:
        rows = np.random.default_rng(0).normal(size=(1000, WideEmbedder.dimension)).astype(np.float32)
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit
