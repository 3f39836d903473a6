"""Tables of text that name a picture per row."""

import json
from pathlib import Path

import pytest
from PIL import Image

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
