"""The bundled reference library: openly licensed pictograms with their names, sets and licences, read when needed."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from imagerag.assets import asset
from imagerag.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

SIDE = 128
"""Pixels of every picture, both ways."""


@dataclass(frozen=True)
class Concept:
    """Something the library can show."""

    name: str
    """Plain lower-case English, unique."""
    keywords: tuple[str, ...]
    category: str


@dataclass(frozen=True)
class Entry:
    """One picture: a concept as one set draws it."""

    concept: str
    keywords: tuple[str, ...]
    category: str
    set: str
    licence: str
    source: str
    """Where it comes from, as in ``Noto Emoji u1f40a``."""
    sha256: str
    """Of the stored WebP bytes, hex."""
    in_base: bool
    """Whether the generator knows this picture from the start."""
    held_out: bool
    """Whether the embedded CLIP was kept from training on it."""


class Library:
    """The library in ``assets/library.parquet``. Opening reads nothing; pictures are decoded one by one.

    Args:
        path: another file of the same columns.

    Raises:
        UserError: on first use, if the file is missing or damaged.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or asset("library.parquet")

    def __len__(self) -> int:
        return len(self.entries)

    def _read(self, columns: list[str]) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            # not read_table, which imports pyarrow's engine for data sets of many files
            with pq.ParquetFile(self.path, memory_map=True) as file:
                return file.read(columns)
        except (OSError, pa.ArrowException) as error:
            reason = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
            raise UserError(f"the reference library {str(self.path)!r} {reason}; reinstall imagerag") from error

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every picture, ordered by concept and then by set; a picture's index here is what ``image`` takes."""
        columns = ["concept", "keywords", "category", "set", "licence", "source", "sha256", "in_base", "held_out"]
        table = self._read(columns).to_pydict()
        rows = zip(*(table[column] for column in columns), strict=True)
        return tuple(Entry(name, tuple(words), *rest) for name, words, *rest in rows)

    @cached_property
    def concepts(self) -> tuple[Concept, ...]:
        """Every concept once, in the order of ``entries``."""
        first = {entry.concept: entry for entry in reversed(self.entries)}
        return tuple(Concept(entry.concept, entry.keywords, entry.category) for entry in reversed(list(first.values())))

    @cached_property
    def by_concept(self) -> dict[str, tuple[int, ...]]:
        """Indices into ``entries`` by concept name."""
        found: dict[str, list[int]] = {}
        for i, entry in enumerate(self.entries):
            found.setdefault(entry.concept, []).append(i)
        return {name: tuple(rows) for name, rows in found.items()}

    @cached_property
    def _by_sha256(self) -> dict[str, int]:
        return {entry.sha256: i for i, entry in enumerate(self.entries)}

    def find(self, sha256: str) -> int | None:
        """Return the index of the picture with these bytes' SHA-256, or None."""
        return self._by_sha256.get(sha256)

    @cached_property
    def _bytes(self) -> Any:
        return self._read(["image"]).column("image")

    def image_bytes(self, index: int) -> bytes:
        """Return the WebP bytes of a picture. Raises IndexError outside 0..len-1."""
        if not 0 <= index < len(self.entries):
            raise IndexError(f"the library has pictures 0..{len(self.entries) - 1}, not {index}")
        return bytes(self._bytes[index].as_py())

    def image(self, index: int) -> Image.Image:
        """Return a picture as 128x128 RGBA. Raises IndexError outside 0..len-1."""
        from PIL import Image as pil

        return pil.open(io.BytesIO(self.image_bytes(index))).convert("RGBA")

    def lacking(self, half: Literal["dev", "test"] | None = None) -> tuple[str, ...]:
        """Return the concepts that the base set lacks (``assets/lacking_concepts.tsv``): all, or one half of them."""
        rows = [
            line.split("\t")
            for line in asset("lacking_concepts.tsv").read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")
        ]
        return tuple(name for name, its_half in rows[1:] if half in (None, its_half))

    def stored_embeddings(self, model_id: str) -> NDArray[np.float32] | None:
        """Return (len, d) unit embeddings of all pictures that came with the library.

        None if there are none, or if they were made with another model or for other pictures: embed them then.
        """
        stored = self._stored(model_id)
        if stored is None:
            return None
        rows = {bytes(key).hex(): i for i, key in enumerate(stored["sha256"])}
        if not all(entry.sha256 in rows for entry in self.entries):
            return None
        return _unit(stored["images"][[rows[entry.sha256] for entry in self.entries]])

    def stored_name_embeddings(self, model_id: str) -> NDArray[np.float32] | None:
        """Return (concepts, d) unit embeddings of the concepts' names, or None, as for ``stored_embeddings``."""
        stored = self._stored(model_id)
        if stored is None or len(stored["names"]) != len(self.concepts):
            return None
        return _unit(stored["names"])

    @cached_property
    def said(self) -> tuple[tuple[str, ...], ...]:
        """Of each concept, its name and its keywords."""
        return tuple((concept.name, *concept.keywords) for concept in self.concepts)

    @cached_property
    def words(self) -> frozenset[str]:
        """Names, keywords and synonyms, and each of their words: what an English prompt may be about."""
        told = {phrase for words in self.said for phrase in words}
        told.update(phrase for words in self.synonyms.values() for phrase in words)
        return frozenset(told | {word for phrase in told for word in phrase.split(" ")})

    @cached_property
    def said_digest(self) -> str:
        """Hex SHA-256 of all names and keywords, in order."""
        return hashlib.sha256("\n".join("\t".join(words) for words in self.said).encode()).hexdigest()

    @cached_property
    def synonyms(self) -> dict[str, tuple[str, ...]]:
        """Further words by concept, which neither the model nor the generator learned from: ``assets/synonyms.tsv``."""
        if self.path != asset("library.parquet"):
            return {}
        lines = asset("synonyms.tsv").read_text(encoding="utf-8").splitlines()
        rows = (line.split("\t") for line in lines if not line.startswith("#"))
        return {name: tuple(words.split("|")) for name, words in rows}

    def stored_word_vectors(self, model_id: str) -> NDArray[np.float32] | None:
        """Return (concepts, d) of ``imagerag.index.word_vectors.words_embedded``, or None, as above."""
        stored = self._tensors("library_words.safetensors", model_id, {"said": self.said_digest})
        return None if stored is None else stored["words"].astype(np.float32)

    def _stored(self, model_id: str) -> dict[str, Any] | None:
        return self._tensors("library_embeddings.safetensors", model_id, {})

    def _tensors(self, name: str, model_id: str, also: dict[str, str]) -> dict[str, Any] | None:
        from safetensors import SafetensorError, safe_open

        try:
            path = asset(name)
            if self.path != asset("library.parquet"):
                return None
            with safe_open(str(path), "np") as file:
                if not {"model_id": model_id, **also}.items() <= (file.metadata() or {}).items():
                    return None
                return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        except (UserError, SafetensorError):
            return None  # a cache: what it lacks is computed


@lru_cache(maxsize=1)
def bundled_library() -> Library:
    """Return this process's one library; reading its entries takes a tenth of a second."""
    return Library()


def _unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    wide: NDArray[np.float32] = rows.astype(np.float32)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    return wide
