"""Tables as records."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.index.user.sources.records import TOO_MANY, read_records


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
