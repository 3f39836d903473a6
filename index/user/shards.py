"""Parquet shards: all that is known of the own pictures, with their embeddings, written whole and never changed.

A shard is there as soon as it has its name. Names begin with a number that only grows; of two rows for one key the one
in the later shard counts. Merging writes new shards and then, in one step, the file ``merged.json`` with the names of
those that stand for all up to its number; what they replace is ignored from then on and removed at the next merge, so
that a reader finds what it has begun to read.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagerag.regular_files import read_regular
from imagerag.store.file_errors import file_error
from imagerag.store.files import write_whole

CREDIT = ("creator", "link", "licence_link")
"""Whom to thank for a picture; earlier shards lack these columns, and have nothing in them."""
TEXTS = ("key", "sha256", "caption", "title", "source", "licence", "kind", "file", "place", "root", *CREDIT)
NUMBERS = ("size", "mtime")
VECTORS = ("embedding", "meaning")
MERGED = "merged.json"
FULL = 16_384
"""Rows of a merged shard: 34 MB of one 512-dimensional vector each."""
GROUP = 512
"""Rows that are read at once where only some are wanted."""
GONE = "gone"
DAMAGED = "move it away and add its folders again; the other shards are whole"
_NAME = re.compile(r"(\d{10})-([0-9a-z]{8}|gone)-[0-9a-f]{8}\.parquet")


class Shard(NamedTuple):
    """A shard's file name taken apart: its number, and ``model_tag`` of its model or ``gone``."""

    number: int
    tag: str
    name: str


def model_tag(model: str) -> str:
    """Return eight hex digits that stand for a model in file names."""
    return hashlib.sha256(model.encode()).hexdigest()[:8]


class Shards:
    """The shards below a folder. Only the holder of the lock may write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def live(self) -> list[Shard]:
        """Return the shards that count, the earlier first, of all models.

        Raises:
            UserError: the list of merged shards is damaged.
        """
        through, kept = self._merged()
        found = [shard for file in self.folder.glob("*.parquet") if (shard := _taken_apart(file.name))]
        return sorted(shard for shard in found if shard.number > through or shard.name in kept)

    def write(self, tag: str, columns: Mapping[str, Any], *, metadata: Mapping[str, str] | None = None) -> Shard:
        """Write a shard after all others. Vectors are given as (n, d) arrays.

        Raises:
            UserError: the disk is full, read-only or not ours.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        arrays = {name: _array(values) for name, values in columns.items()}
        table = pa.table(arrays).replace_schema_metadata(dict(metadata or {}))
        out = io.BytesIO()
        dictionary = [name for name in ("kind", "file", "root", "licence", "source") if name in arrays]
        pq.write_table(table, out, compression="zstd", use_dictionary=dictionary, row_group_size=GROUP)
        numbers = [shard.number for file in self.folder.glob("*.parquet") if (shard := _taken_apart(file.name))]
        number = max([*numbers, self._merged()[0]], default=0) + 1
        shard = Shard(number, tag, f"{number:010d}-{tag}-{uuid.uuid4().hex[:8]}.parquet")
        write_whole(self.folder / shard.name, out.getvalue())
        return shard

    def read(self, shard: Shard, columns: Sequence[str] | None = None) -> Any:
        """Return a shard as a ``pyarrow.Table``; columns that it lacks are left out.

        Raises:
            FileNotFoundError: it was merged into another and removed.
            UserError: it is damaged.
        """
        with self._opened(shard) as file:
            there = file.schema_arrow.names
            return file.read(columns=[name for name in columns if name in there] if columns is not None else None)

    @contextmanager
    def _opened(self, shard: Shard) -> Iterator[Any]:
        """Open a shard as a ``pyarrow.parquet.ParquetFile``.

        Raises:
            FileNotFoundError: it was merged into another and removed.
            FileError: it is damaged, or can't be read.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / shard.name
        try:
            with pq.ParquetFile(path) as file:
                yield file
        except FileNotFoundError:
            raise
        except (OSError, ValueError, pa.ArrowException) as error:
            raise file_error(path, error, verb="read", damaged=DAMAGED) from error

    def vectors(self, shard: Shard, rows: NDArray[np.int32], name: str) -> NDArray[np.float32]:
        """Return vectors of some rows of a shard, (n, d); only the groups of rows that they are in are read.

        Raises:
            FileNotFoundError: it was merged into another and removed.
            FileError: it is damaged, or can't be read.
        """
        with self._opened(shard) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = np.cumsum(sizes)
            groups = np.searchsorted(ends, rows, side="right")
            wanted = np.unique(groups)
            table = file.read_row_groups(wanted.tolist(), columns=[name])
        firsts = np.concatenate(
            [[0], np.cumsum(np.array(sizes)[wanted])[:-1]]
        )  # where each group begins in what was read
        places = firsts[np.searchsorted(wanted, groups)] + rows - (ends - sizes)[groups]
        vectors: NDArray[np.float32] = vectors_of(table, name)[places]
        return vectors

    def columns(self, shard: Shard) -> list[str]:
        """Return the names of a shard's columns."""
        with self._opened(shard) as file:
            return list(file.schema_arrow.names)

    def rows(self, shard: Shard) -> int:
        """Return how many rows a shard has."""
        with self._opened(shard) as file:
            return int(file.metadata.num_rows)

    def of_an_earlier_version(self) -> bool:
        """Tell whether there are shards of the layout before this one, which had no numbers."""
        return any(re.fullmatch(r"[0-9a-f]{32}", file.stem) for file in self.folder.glob("*.parquet"))

    def models(self) -> list[str]:
        """Return the models of which there are rows, in alphabetical order."""
        first = {shard.tag: shard for shard in self.live() if shard.tag != GONE}
        return sorted(self.model_of(shard) for shard in first.values())

    def model_of(self, shard: Shard) -> str:
        """Return the model whose embeddings a shard holds."""
        with self._opened(shard) as file:
            metadata = file.schema_arrow.metadata or {}
        return (metadata.get(b"model") or b"").decode(errors="replace")

    def put_in_place(self, kept: Sequence[Shard]) -> None:
        """Let these shards alone stand for all there are, and remove what the merge before had replaced."""
        through, before = self._merged()
        obsolete = [
            shard
            for file in self.folder.glob("*.parquet")
            if (shard := _taken_apart(file.name)) and shard.number <= through and shard.name not in before
        ]
        last = max((shard.number for shard in self.live()), default=0)
        content = {"through": last, "shards": [shard.name for shard in kept]}
        write_whole(self.folder / MERGED, json.dumps(content).encode())
        for shard in obsolete:
            (self.folder / shard.name).unlink(missing_ok=True)

    def _merged(self) -> tuple[int, frozenset[str]]:
        path = self.folder / MERGED
        try:
            content = json.loads(read_regular(path))
            return int(content["through"]), frozenset(content["shards"])
        except FileNotFoundError:
            return 0, frozenset()
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            # Without it all shards count again, and of two rows for a key the later one, as before the merge.
            raise file_error(path, error, verb="read", damaged="move it away; no picture is lost by that") from error


def vectors_of(table: Any, name: str) -> NDArray[np.float32]:
    """Return a vector column of a table as (n, d)."""
    column = table.column(name)
    parts = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    flat = np.concatenate(parts) if parts else np.empty(0, np.float32)
    return flat.reshape(len(column), column.type.list_size)


def _array(values: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, np.ndarray) and values.ndim == 2:
        flat = pa.array(np.ascontiguousarray(values, np.float32).reshape(-1))
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    return values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)


def _taken_apart(name: str) -> Shard | None:
    found = _NAME.fullmatch(name)
    return Shard(int(found[1]), found[2], name) if found else None
