"""Which Parquet files end the process that looks into their footers.

pyarrow (seen in 26.0) lets C++ exceptions out of ``RowGroupMetaData.column``, where Python can't catch them: a footer
that contradicts itself ends the whole process. So another process looks first.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence


def fatal(files: Sequence[str]) -> set[str]:
    """Return those of these Parquet files that must not be looked into.

    Args:
        files: paths; what is no file or no Parquet at all is none of them, since Python is told of that.
    """
    found: set[str] = set()
    rest = list(files)
    while rest:
        # -P: the modules beside this one are no modules of everybody
        command = [sys.executable, "-P", __file__]
        told = "\0".join(rest).encode("utf-8", "surrogateescape")
        done = subprocess.run(command, input=told, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        looked = len(done.stdout.split())
        found |= set(rest[looked : looked + 1])
        rest = rest[looked + 1 :]
    return found


def _look(files: Sequence[str]) -> None:
    """Look into each file's footer as a source does, and write a line for each that does no harm."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in files:
        try:
            if os.path.isfile(file):  # to open a pipe is to wait for its writer
                metadata = pq.read_metadata(file)
                for at in range(metadata.num_row_groups):
                    group = metadata.row_group(at)
                    for column in range(group.num_columns):
                        group.column(column)
        except (OSError, ValueError, pa.ArrowException):
            pass  # the source reads it again, and tells
        print("looked", flush=True)


if __name__ == "__main__":
    _look(sys.stdin.buffer.read().decode("utf-8", "surrogateescape").split("\0"))
