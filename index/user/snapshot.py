"""What is known of the own pictures, of one model: columns in memory, brought up to date from the shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagerag.index.user.shards import FULL, GONE, NUMBERS, TEXTS, VECTORS, Shard, Shards, model_tag

COLUMNS = (*TEXTS, *NUMBERS, "look")


class Snapshot:
    """The rows that count, one per key, in the order in which they were written; vectors stay in the shards.

    Attributes:
        shards: those that the rows are in.
        table: a ``pyarrow.Table`` of ``COLUMNS``.
        shard: (n,) which of the shards a row is in, and ``row``: (n,) where in it.
    """

    def __init__(self, store: Shards, shards: Sequence[Shard], tables: Sequence[Any]) -> None:
        import pyarrow as pa

        self._store = store
        self.shards = list(shards)
        wide = [_widened(table) for table in tables]
        table = pa.concat_tables(wide) if wide else _widened(pa.table({"key": pa.array([], pa.string())}))
        shard = np.repeat(np.arange(len(wide)), [len(part) for part in wide]).astype(np.int32)
        row = np.concatenate([np.arange(len(part)) for part in wide] or [np.empty(0, np.int64)]).astype(np.int32)
        codes = table.column("key").combine_chunks().dictionary_encode()
        codes = codes.indices.to_numpy(zero_copy_only=False) if len(table) else np.empty(0, np.int64)
        last = np.full(int(codes.max()) + 1 if len(codes) else 0, -1, np.int64)
        last[codes] = np.arange(len(codes))  # the later row of a key overwrites the earlier
        tags = np.array([part.tag == GONE for part in self.shards], bool)
        kept = np.sort(last[~tags[shard[last]]]) if len(last) else last
        self.table = table.take(pa.array(kept)).combine_chunks()
        self.shard, self.row = shard[kept], row[kept]
        self.superseded = len(table) - len(kept)

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def by_key(self) -> dict[str, int]:
        """Where the row of each key is."""
        return {key: at for at, key in enumerate(self.table.column("key").to_pylist())}

    @cached_property
    def by_address(self) -> dict[str, int]:
        """Where the newest row of each picture is, by SHA-256."""
        return {sha256: at for at, sha256 in enumerate(self.table.column("sha256").to_pylist())}

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """(n,) a number for each row, the same for rows of the same picture."""
        codes = self.table.column("sha256").combine_chunks().dictionary_encode().indices
        return np.asarray(codes.to_numpy(zero_copy_only=False), np.int64)

    @cached_property
    def looks(self) -> NDArray[np.uint64]:
        """(n,) perceptual hashes; 0 where there is none."""
        return np.asarray(self.table.column("look").to_numpy(), np.uint64)

    def value(self, at: int, name: str) -> Any:
        """Return one value of one row."""
        return self.table.column(name)[at].as_py()

    def has(self, name: str) -> bool:
        """Tell whether the shards hold vectors of this name."""
        for shard in self.shards:
            if shard.tag != GONE:
                return name in self._store.columns(shard)
        return False

    def vectors(self, rows: Sequence[int] | NDArray[np.int64], name: str = "embedding") -> NDArray[np.float32]:
        """Return vectors of some rows, (n, d), in their order.

        Raises:
            FileNotFoundError: the shards were merged in the meantime.
        """
        rows = np.asarray(rows, np.int64)
        out: NDArray[np.float32] | None = None
        for number in np.unique(self.shard[rows]):
            mine = self.shard[rows] == number
            part = self._store.vectors(self.shards[number], self.row[rows[mine]], name)
            if out is None:
                out = np.empty((len(rows), part.shape[1]), np.float32)
            out[mine] = part
        return np.empty((0, 0), np.float32) if out is None else out

    def in_parts(self, rows: NDArray[np.int64], name: str) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield rows and their vectors, a shard at a time: never more than one shard's in memory."""
        for number in np.unique(self.shard[rows]):
            part = rows[self.shard[rows] == number]
            yield part, self.vectors(part, name)


class SnapshotReader:
    """Reads what is known of one model, and again only what has changed since.

    Args:
        store: the shards.
        model: whose embeddings.
    """

    def __init__(self, store: Shards, model: str) -> None:
        self._store = store
        self._tag = model_tag(model)
        self._tables: dict[str, Any] = {}
        self._known: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        """Return what is known now."""
        for _ in range(10):
            shards = [shard for shard in self._store.live() if shard.tag in (self._tag, GONE)]
            if self._known is not None and self._known.shards == shards:
                return self._known
            try:
                tables = [self._table(shard) for shard in shards]
            except FileNotFoundError:
                continue  # two merges have come in between
            self._tables = {shard.name: table for shard, table in zip(shards, tables, strict=True)}
            self._known = Snapshot(self._store, shards, tables)
            return self._known
        raise RuntimeError(f"the shards in {str(self._store.folder)!r} change faster than they can be read")

    def _table(self, shard: Shard) -> Any:
        known = self._tables.get(shard.name)
        return self._store.read(shard, COLUMNS) if known is None else known


def merge(store: Shards, models: Sequence[str], full: int = FULL) -> dict[str, list[str]]:
    """Write the rows that count into shards of ``full`` rows, and let those stand for all. For the lock's holder.

    Shards of which every row counts stay as they are once they are half full.

    Returns:
        by model, the names of the shards that now hold its rows.
    """
    kept: list[Shard] = []
    names: dict[str, list[str]] = {}
    for model in models:
        known = SnapshotReader(store, model).snapshot()
        counting = np.bincount(known.shard, minlength=len(known.shards))
        whole = [
            count >= full // 2 and store.rows(shard) == count
            for shard, count in zip(known.shards, counting, strict=True)
        ]
        mine = [shard for shard, stays in zip(known.shards, whole, strict=True) if stays]
        rest = np.flatnonzero(~np.array(whole, bool)[known.shard]) if len(known) else np.empty(0, np.int64)
        vectors = [name for name in VECTORS if known.has(name)]
        for start in range(0, len(rest), full):
            rows = rest[start : start + full]
            columns: dict[str, Any] = {name: known.table.column(name).take(rows) for name in COLUMNS}
            columns |= {name: known.vectors(rows, name) for name in vectors}
            mine.append(store.write(model_tag(model), columns, metadata={"model": model}))
        kept += mine
        names[model] = [shard.name for shard in mine]
    store.put_in_place(kept)
    return names


def _widened(table: Any) -> Any:
    """Return a table with all of ``COLUMNS``: shards of what is gone have but keys."""
    import pyarrow as pa

    empty: dict[str, Any] = {name: pa.repeat("", len(table)) for name in TEXTS}
    empty |= {name: pa.repeat(pa.scalar(0, pa.int64()), len(table)) for name in NUMBERS}
    empty["look"] = pa.repeat(pa.scalar(0, pa.uint64()), len(table))
    return pa.table(
        {name: table.column(name) if name in table.column_names else value for name, value in empty.items()}
    )
