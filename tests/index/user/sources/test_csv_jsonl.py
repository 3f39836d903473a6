"""Tables of text that name a picture per row."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from imagerag.errors import UserError
from imagerag.index.user.sources.csv_jsonl import ManifestSource


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_rows_are_pictures_beside_the_table_with_what_it_tells_of_them(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    file = tmp_path / f"list.{kind}"
    row = {"path": "red.png", "caption": "a red square", "licence": "CC0-1.0"}
    text = ",".join(row) + "\n" + ",".join(row.values()) if kind == "csv" else json.dumps(row)
    file.write_text(text + "\n")
    source = ManifestSource(file, kind, "unknown", None, None, fetched=None)  # type: ignore[arg-type]
    (item,) = source.items(lambda item: True)
    assert (item.caption, item.licence) == ("a red square", "CC0-1.0")
    assert item.origin.file == str(tmp_path / "red.png")


@pytest.mark.parametrize(("kind", "text"), [("csv", ""), ("csv", "path,caption\n"), ("jsonl", "\n")])
def test_a_table_without_rows_is_told(tmp_path: Path, kind: str, text: str) -> None:
    file = tmp_path / "list"
    file.write_text(text)
    (item,) = ManifestSource(file, kind).items(lambda item: True)
    assert item.problem == f"{str(file)!r} has no rows"


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("option", ["image", "caption"])
def test_a_column_that_is_not_there_is_refused(tmp_path: Path, kind: str, option: str) -> None:
    file = tmp_path / "list"
    file.write_text("path,text\na.png,x\n" if kind == "csv" else json.dumps({"path": "a.png", "text": "x"}))
    columns = {"image_column": "scan"} if option == "image" else {"caption_column": "scan"}
    with pytest.raises(UserError, match=f"no column 'scan'; give --{option}-column one of: path, text"):
        list(ManifestSource(file, kind, "unknown", **columns).items(lambda item: True))


def test_cells_that_are_too_many_are_noted(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    (tmp_path / "list").write_text("path,caption\na.png,a cat, on a mat\n")
    (item,) = ManifestSource(tmp_path / "list", "csv").items(lambda item: True)
    assert "1 more cell" in item.note
    assert item.caption == "a cat"


@pytest.mark.parametrize(
    ("head", "cells", "caption", "licence"),
    [
        ("path,caption_1,caption_2", ["a cat", "a feline"], "a cat; a feline", "unknown"),
        ("path,Caption Text", ["a cat"], "a cat", "unknown"),
        ("impath,caption", ["a cat"], "a cat", "unknown"),
        ("src,caption", ["a cat"], "a cat", "unknown"),
        ("path,captions", ["['a cat', None]"], "a cat", "unknown"),
        ("path,captions", ["('a cat', 'a feline')"], "a cat; a feline", "unknown"),
        ("path,caption,licence", ["a cat", "{'name': 'MIT'}"], "a cat", "MIT"),
        ("path,caption,license", ["a cat", '{"name": "MIT","url":"x"}'], "a cat", "MIT"),
    ],
)
def test_columns_and_cells_as_programs_write_them(
    tmp_path: Path, head: str, cells: list[str], caption: str, licence: str
) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    with (tmp_path / "list").open("w", newline="") as file:
        csv.writer(file).writerows([head.split(","), ["a.png", *cells]])
    (item,) = ManifestSource(tmp_path / "list", "csv", "unknown").items(lambda item: True)
    assert item.origin.file == str(tmp_path / "a.png")
    assert (item.problem, item.caption, item.licence) == ("", caption, licence)


def test_an_empty_json_beside_a_picture_is_noted(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    (tmp_path / "a.json").touch()
    (tmp_path / "list").write_text("path,caption\na.png,a cat\n")
    (item,) = ManifestSource(tmp_path / "list", "csv").items(lambda item: True)
    assert (item.problem, item.caption) == ("", "a cat")
    assert "is empty" in item.note
