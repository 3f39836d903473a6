"""Parquet files whose footers contradict themselves."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from imagerag.index.user.sources.parquet_probe import fatal

READ = """
import sys
from imagerag.errors import UserError
from imagerag.index.user.sources.parquet import ParquetSource
for file in sys.argv[1:]:
    try:
        source = ParquetSource(file, [file])
        source.count()
        print([item.problem for item in source.items(lambda item: True)])
    except UserError as error:
        print(error)
"""


def contradicting(folder: Path) -> list[str]:
    """Write files of whose footers one list of counts, such as the levels of a column of lists, lacks its first."""
    table = pa.table({"image": [b"one", b"two", b"three"], "tags": [["a"], ["b"], ["c"]]})
    pq.write_table(table, folder / "whole.parquet", compression="none", use_dictionary=False)
    whole = (folder / "whole.parquet").read_bytes()
    length = int.from_bytes(whole[-8:-4], "little")
    files = []
    for at in range(len(whole) - 8 - length, len(whole) - 8):
        if whole[at] % 16 == 6 and 2 <= whole[at] // 16 < 6:  # how Thrift's compact protocol begins a list of 2 to 5
            shorter = whole[:at] + bytes([whole[at] - 16]) + whole[at + 2 : -8]
            file = folder / f"{at}.parquet"
            file.write_bytes(shorter + (length - 1).to_bytes(4, "little") + b"PAR1")
            files.append(str(file))
    return files


def test_footers_that_contradict_themselves_are_told(tmp_path: Path) -> None:
    files = contradicting(tmp_path)
    done = subprocess.run([sys.executable, "-c", READ, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert len(told) == len(files)
    deadly = fatal(files)
    for file, line in zip(files, told, strict=True):
        assert ("its footer contradicts itself" in line) == (file in deadly)


def test_what_is_whole_or_no_parquet_is_looked_into(tmp_path: Path) -> None:
    contradicting(tmp_path)
    (tmp_path / "text.parquet").write_text("PAR1, it says", encoding="utf-8")
    names = ("whole.parquet", "text.parquet", "absent.parquet", "ünïcode in blanks.parquet")
    assert fatal([str(tmp_path / name) for name in names]) == set()
    assert fatal([]) == set()
