"""Tables of text that name a picture per row."""

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
