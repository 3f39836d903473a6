"""How much of a Parquet file is read: some bytes of it can claim milliards of rows, or unpack to gigabytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imagerag.store.picture_decoding import MAX_BYTES

MOST_ROWS = 4 * 2**20
"""Rows of one group: some bytes can claim milliards of them."""
LARGEST = 2 * MAX_BYTES
"""Bytes of one column's values that are read at a time: a picture in base64, and its caption."""
MOST_PACKED = 100
"""Times as large as in the file that a group's column may become above that; pictures don't shrink to a hundredth."""


def chunks_of(group: Any, columns: Sequence[str]) -> list[Any]:
    """Return what the file's footer tells of these columns of a group of rows; one of lists has several parts."""
    chunks = [group.column(at) for at in range(group.num_columns)]
    return [chunk for chunk in chunks if any(f"{chunk.path_in_schema}.".startswith(f"{name}.") for name in columns)]


def too_large(group: Any, columns: Sequence[str]) -> str:
    """Return why a group of rows is not read, by what the footer tells of it; empty where it is."""
    if group.num_rows > MOST_ROWS:
        return f"has {group.num_rows} rows; at most {MOST_ROWS} are read: write it with smaller groups"
    for chunk in chunks_of(group, columns):
        packed, size = chunk.total_compressed_size, chunk.total_uncompressed_size
        if size > LARGEST and size > MOST_PACKED * max(packed, 1):
            return (
                f"is not read: {packed} bytes of its column {chunk.path_in_schema!r} unpack to {size}; "
                "write it anew if it is meant so, without compression"
            )
    return ""


def rows_at_a_time(group: Any, columns: Sequence[str], most: int) -> int:
    """Return how many rows can be read at once: the footer tells no single value, so each may be as large as all."""
    largest = max((chunk.total_uncompressed_size for chunk in chunks_of(group, columns)), default=0)
    if largest > LARGEST:  # so much is in the file, too, and its rows share it
        return most
    return max(1, min(most, LARGEST // max(largest, 1)))
