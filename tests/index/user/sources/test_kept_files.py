"""Files that lie nowhere else are kept by their content."""

from pathlib import Path

from imagerag.index.user.sources.kept_files import kept_file
from imagerag.index.user.sources.origins import read_origin


def test_the_same_content_is_kept_once_and_read_again(tmp_path: Path) -> None:
    origin = kept_file(tmp_path, b"data")
    assert kept_file(tmp_path, b"data") == origin
    assert read_origin(origin) == b"data"
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 1
