"""What img2dataset wrote: files with text and JSON beside them, tar shards, or Parquet shards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from imagerag.errors import UserError
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.folders import FolderSource
from imagerag.index.user.sources.items import Item, Source, Wanted
from imagerag.index.user.sources.origins import regular_file
from imagerag.index.user.sources.parquet import ParquetSource, holds_pictures
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.sources.webdataset import TarSource


class Img2datasetSource:
    """A folder that img2dataset wrote: files with text and JSON beside them, tar shards, or Parquet shards.

    Args:
        root: absolute.
        reading: how.
    """

    def __init__(self, root: Path, reading: ReadOptions) -> None:
        self.root = root
        self.name = f"img2dataset:{root}"
        confined = Confined(root, allow_outside=reading.allow_outside)
        tars, tables = sorted(map(str, root.glob("*.tar"))), sorted(map(str, root.glob("*.parquet")))
        # Beside other shards a table only tells of them; one that lies elsewhere is not looked into, but told.
        tables = [file for file in tables if confined.refusal(file) or _holds_pictures(file)]
        self._parts: list[Source] = []
        if tars:
            self._parts.append(TarSource(str(root / "*.tar"), tars, reading.licence, confined=confined))
        if tables:
            columns = (reading.image_column, reading.caption_column)
            pattern = str(root / "*.parquet")
            self._parts.append(ParquetSource(pattern, tables, reading.licence, *columns, confined=confined))
        for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))):
            self._parts.append(FolderSource(folder, reading.licence, confined=confined))
        if not self._parts and any(root.glob("*.tfrecord")):
            raise UserError(
                f"{str(root)!r} holds TFRecord, which is not read; run img2dataset with --output_format webdataset"
            )
        if not self._parts:
            raise UserError(
                f"{str(root)!r} holds no .tar, no .parquet with pictures and no folder; is it img2dataset's?"
            )

    def count(self) -> int:
        """See ``Source``."""
        return sum(part.count() for part in self._parts)

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``."""
        for part in self._parts:
            yield from part.items(wanted)

    def owns(self, key: str) -> bool:
        """See ``Source``. What lies in a folder that can't be looked into is not gone."""
        if not key.startswith(str(self.root) + os.sep):
            return False
        return not any(isinstance(part, FolderSource) and part.is_unread(key) for part in self._parts)


def _holds_pictures(file: str) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        regular_file(Path(file))
        kinds = [field.type for field in pq.read_schema(file)]
    except (UserError, OSError, ValueError, pa.ArrowException):
        return True  # damaged: reading it says so
    return any(map(holds_pictures, kinds))
