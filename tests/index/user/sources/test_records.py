"""Tables as records."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagerag.errors import UserError
from imagerag.index.user.sources import json_bounds, records
from imagerag.index.user.sources.records import TOO_MANY, read_parquet, read_records


@pytest.mark.parametrize(
    "text",
    [
        "path,caption\na.png,a cat\n",
        "path\tcaption\na.png\ta cat\n",
        "path;caption\r\na.png;a cat\r\n",
        "path|caption\ra.png|a cat\r",
        '\ufeff"path", "caption"\n"a.png", "a cat"\n',
        "\npath , caption\na.png,a cat\n\n",
    ],
)
def test_dialects_of_csv(text: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(text.encode())
    assert read_records(tmp_path / "t", "csv") == [{"path": "a.png", "caption": "a cat"}]


def test_cells_without_a_column_are_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("path,caption\na.png,a cat, a mat\n")
    assert read_records(tmp_path / "t", "csv") == [{"path": "a.png", "caption": "a cat", TOO_MANY: ["a mat"]}]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('{"a": 1}\r\n\r\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ('[{"a": 1},\n {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ('[{"a": 1}, 7]', [{"a": 1}, "no JSON object"]),
        ("7\n", ["no JSON object"]),
    ],
)
def test_json_by_the_line_and_in_a_list(text: str, rows: list[object], tmp_path: Path) -> None:
    (tmp_path / "t").write_text(text)
    assert read_records(tmp_path / "t", "jsonl") == rows


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("csv", "Möwe".encode("cp1252"), "save it as UTF-8"),
        ("jsonl", b"\0\1\2", "is no text"),
        ("parquet", b"PAR1", "no Parquet file"),
        ("csv", None, "No such file"),
    ],
)
def test_what_can_not_be_read_is_one_line(kind: str, data: bytes | None, says: str, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / "t").write_bytes(data)
    with pytest.raises(UserError, match=says):
        read_records(tmp_path / "t", kind)


def _table_of_one_value(file: Path, rows: int, value: str, groups: int) -> None:
    """Write a table whose rows are all one value, which is in the file once for each group."""
    of_group = pa.DictionaryArray.from_arrays(pa.array([0] * (rows // groups), pa.int32()), pa.array([value]))
    with pq.ParquetWriter(file, pa.schema({"caption": of_group.type}), compression="zstd", store_schema=False) as out:
        for _ in range(groups):
            out.write_table(pa.table({"caption": of_group}))


@pytest.mark.parametrize(
    ("rows", "value", "groups", "says"),
    [
        (200_000, "x" * 4000, 1, "unpacks to more than 64 MB; split it"),
        (200_000, "x" * 4000, 10, "unpacks to more than 64 MB; split it"),
        (3000, "", 3, "has more than 2000 rows; split it"),
    ],
)
def test_a_table_whose_rows_are_one_value_is_read_within_bounds(
    rows: int, value: str, groups: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "TABLE_BYTES", 2**26)
    monkeypatch.setattr(records, "MOST_ROWS", 2000 if not value else 2**21)
    monkeypatch.setattr(records, "TOO_LONG", "has more than 2000 rows; split it")
    _table_of_one_value(tmp_path / "t", rows, value, groups)
    assert (tmp_path / "t").stat().st_size < 2**19
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(UserError, match=says):
        read_records(tmp_path / "t", "parquet")
    assert pa.default_memory_pool().max_memory() - before < 2**28


def test_of_a_table_the_columns_that_are_wanted_are_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"], "c": [3, 4]}), tmp_path / "t")
    assert read_parquet(tmp_path / "t", ["a", "b"]) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    with pytest.raises(UserError, match="has no column 'd'; it has: a, b, c"):
        read_parquet(tmp_path / "t", ["a", "d"])


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("csv", b"file_name\n" + b"a\n" * 2001, "has more than 2000 rows"),
        ("jsonl", b"{}\n" * 2001, "has more than 2000 rows"),
        ("jsonl", b"[" + b"{}," * 3000 + b"{}]", "has more than 5000 values"),
        ("jsonl", b"[" * 6000, "has more than 5000 values"),
    ],
)
def test_rows_and_values_of_a_text_have_a_bound(
    kind: str, data: bytes, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MOST_ROWS", 2000)
    monkeypatch.setattr(records, "TOO_LONG", "has more than 2000 rows; split it")
    monkeypatch.setattr(json_bounds, "MOST_VALUES", 5000)
    (tmp_path / "t").write_bytes(data)
    with pytest.raises(UserError, match=says):
        read_records(tmp_path / "t", kind)


def test_a_text_of_one_endless_line_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "TABLE_BYTES", 2**20)
    (tmp_path / "t").write_bytes(b'{"file_name": "' + b"a" * 2**20)
    with pytest.raises(UserError, match="it has more than 1 MB"):
        read_records(tmp_path / "t", "jsonl")
