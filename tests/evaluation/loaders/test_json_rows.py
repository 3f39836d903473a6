"""Rows of JSON files, and what is told of those that are wrong."""

import re
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.json_rows import Row, read_json_lines, read_json_list, read_json_object
from testing.miniature_suites import text


def test_a_line_is_a_row_with_its_place(tmp_path: Path) -> None:
    file = text(tmp_path / "rows.jsonl", '\ufeff{"prompt": " a dog\u2028 "}', "", '{"prompt": 3}')
    first, second = read_json_lines(file)
    assert (first.text("prompt"), first.place) == ("a dog", f"{file}:1")
    assert (second.text("prompt"), second.place) == ("3", f"{file}:3")
    assert second.text("name", "none") == "none"
    assert second.items("images") == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[1]", ":1 is no object but '[1]'"),
        ('{"a": ', ":1 is no JSON: Expecting value (column 7)"),
        ('{"prompt": ' + "1" * 5000 + "}", ":1 is no JSON that can be read: Exceeds the limit"),
        ("[" * 100_000, ":1 is no JSON that can be read: it is nested too deeply"),
    ],
)
def test_another_line_is_refused(line: str, says: str, tmp_path: Path) -> None:
    file = text(tmp_path / "rows.jsonl", line)
    with pytest.raises(UserError, match=re.escape(f"{file}{says}")):
        read_json_lines(file)


def test_a_field_of_another_type_is_refused() -> None:
    row = Row({"flag": True, "list": ["a", 1], "empty": " "}, "rows.jsonl:4")
    for read, says in (
        (lambda: row.text("flag"), "has True in 'flag', no text"),
        (lambda: row.text("empty"), "has an empty 'empty'"),
        (lambda: row.text("gone"), "has no text in 'gone'"),
        (lambda: row.items("flag"), "has True in 'flag', no list"),
        (lambda: row.texts("list"), "has 1 in 'list', no text"),
    ):
        with pytest.raises(UserError, match=re.escape(f"rows.jsonl:4 {says}")):
            read()
    assert row.text("empty", "") == ""


def test_a_whole_file_is_a_list_or_an_object(tmp_path: Path) -> None:
    a_list, an_object = text(tmp_path / "list.json", '[{"a": 1}, 2]'), text(tmp_path / "object.json", '{"a": 1}')
    assert read_json_object(an_object) == {"a": 1}
    with pytest.raises(UserError, match=r"list\.json, entry 2 is no object but '2'"):
        read_json_list(a_list)
    with pytest.raises(UserError, match="holds dict, no list of objects"):
        read_json_list(an_object)
    with pytest.raises(UserError, match=r"list\.json is no object"):
        read_json_object(a_list)


def test_a_file_of_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(UserError, match=r"is not UTF-8 \(byte 7\); save it as UTF-8"):
        read_json_lines(tmp_path / "rows.jsonl")
