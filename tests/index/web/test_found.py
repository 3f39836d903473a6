"""Pictures of the web that were chosen once are there for good."""

from pathlib import Path

import pytest
from PIL import Image

from imagerag.errors import InvalidArgument
from imagerag.index.search import CombinedIndex
from imagerag.index.user_libraries import found_file
from imagerag.index.web.found import web_file, web_picture
from imagerag.store.files import write_whole
from imagerag.store.png import encode_png

ADDRESS = "ab" * 32


def test_they_are_opened_whether_the_web_is_searched_or_not(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="is not the address of a picture from the web"):
        web_picture(tmp_path, ADDRESS)
    write_whole(web_file(tmp_path, ADDRESS), encode_png(Image.new("RGB", (8, 8), "red")))
    assert web_picture(tmp_path, ADDRESS).getpixel((0, 0)) == (255, 0, 0, 255)
    assert CombinedIndex(None, home=tmp_path).image(ADDRESS).mode == "RGBA"
    assert found_file(tmp_path, ADDRESS) == web_file(tmp_path, ADDRESS)
    with pytest.raises(InvalidArgument):
        CombinedIndex(None, home=tmp_path).image("cd" * 32)
