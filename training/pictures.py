"""The library as one tensor in memory, so that training never waits for a decoder."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor

from imagerag.prompt_grammar.vocabulary import COLOURS

COLOURED = frozenset(re.findall(r"\w+", " ".join(COLOURS))) | {"grey", "rainbow", "light", "dark"}
"""Words in a concept's name that forbid to paint it in another colour: a red heart is no blue heart."""
LIBRARY = Path(__file__).parents[1] / "assets" / "library.parquet"


@dataclass
class Pictures:
    """Every picture of the library with what it shows.

    `rgba` is (n, 4, size, size) uint8, premultiplied; `concept`, `style`, `group` are (n,) indices into `concepts`,
    `sets`, `categories`; `held_out` is (n,) bool; `keywords` runs along `concepts`.
    """

    rgba: Tensor
    concept: Tensor
    style: Tensor
    group: Tensor
    held_out: Tensor
    concepts: list[str]
    keywords: list[list[str]]
    sets: list[str]
    categories: list[str]

    @cached_property
    def paintable(self) -> Tensor:
        """(concepts,) bool: may be painted in another colour and still be what it is called."""
        return torch.tensor([not COLOURED & set(re.findall(r"\w+", name)) for name in self.concepts])


def load_pictures(size: int, library: Path = LIBRARY) -> Pictures:
    """Decode the library at `size` x `size` pixels."""
    rows = pq.read_table(library).to_pylist()
    concepts = list(dict.fromkeys(row["concept"] for row in rows))
    sets = list(dict.fromkeys(row["set"] for row in rows))
    categories = list(dict.fromkeys(row["category"] for row in rows))
    keywords = {row["concept"]: row["keywords"] for row in rows}
    rgba = np.empty((len(rows), 4, size, size), np.uint8)
    for i, row in enumerate(rows):
        # "RGBa" is premultiplied: blending and resampling it is plain arithmetic
        image = Image.open(io.BytesIO(row["image"])).convert("RGBa").resize((size, size), Image.Resampling.BOX)
        rgba[i] = np.frombuffer(image.tobytes(), np.uint8).reshape(size, size, 4).transpose(2, 0, 1)
    where = {name: i for i, name in enumerate(concepts)}
    return Pictures(
        rgba=torch.from_numpy(rgba),
        concept=torch.tensor([where[row["concept"]] for row in rows]),
        style=torch.tensor([sets.index(row["set"]) for row in rows]),
        group=torch.tensor([categories.index(row["category"]) for row in rows]),
        held_out=torch.tensor([row["held_out"] for row in rows]),
        concepts=concepts,
        keywords=[keywords[name] for name in concepts],
        sets=sets,
        categories=categories,
    )
