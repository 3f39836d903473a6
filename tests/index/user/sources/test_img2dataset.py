"""Folders that img2dataset wrote."""

from pathlib import Path

import pytest
from PIL import Image

from imagerag.errors import UserError
from imagerag.index.user.sources.img2dataset import Img2datasetSource
from imagerag.index.user.sources.read_options import ReadOptions


def test_pictures_with_their_texts_and_not_the_tables_that_only_tell_of_them(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "00000").mkdir()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "00000" / "000000001.jpg")
    (tmp_path / "00000" / "000000001.txt").write_text("a red square\n")
    pq.write_table(
        pa.table({"url": ["https://example.org/1.jpg"], "caption": ["a red square"]}), tmp_path / "00000.parquet"
    )
    source = Img2datasetSource(tmp_path, ReadOptions(licence="CC0-1.0"))
    items = list(source.items(lambda item: True))
    assert [(item.caption, item.licence) for item in items] == [("a red square", "CC0-1.0")]
    assert source.count() == 1


def test_a_folder_with_nothing_of_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is it img2dataset's"):
        Img2datasetSource(tmp_path, ReadOptions())
