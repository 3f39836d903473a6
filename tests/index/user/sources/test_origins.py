"""Reading a picture again from where it came."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.index.user.sources.items import Origin
from imagerag.index.user.sources.origins import read_origin, regular_file


def test_a_part_of_an_archive_is_read_by_its_place(tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    file.write_bytes(b"0123456789")
    assert read_origin(Origin("tar", str(file), "2+3")) == b"234"
    assert read_origin(Origin("file", str(file), "")) == b"0123456789"
    assert regular_file(file) == 10


def test_what_cannot_be_read_again_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(UserError, match="is empty"):
        read_origin(Origin("file", str(tmp_path / "empty"), ""))
    with pytest.raises(UserError, match="gone"):
        read_origin(Origin("file", str(tmp_path / "gone"), ""))
    with pytest.raises(UserError, match="index add --allow-urls 'http://a/b'"):
        read_origin(Origin("url", "http://a/b", ""))
