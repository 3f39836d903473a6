"""Sizes and aspect ratios as people write them."""

import pytest

from imagerag.errors import UserError
from imagerag.picture_size import PictureSize
from imagerag.settings import Settings, load_settings


@pytest.mark.parametrize("text", ["1920x1080", "16:9", "16x4096", "1:100"])
def test_what_is_read_is_written_the_same(text: str) -> None:
    assert str(PictureSize.parse(text)) == text


@pytest.mark.parametrize("text", ["", "big", "1024", "1024x", "15x64", "4097x64", "-64x64", "64x64x64", "1e3x64"])
def test_a_size_that_is_none_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError, match=r"^size .* is not WIDTHxHEIGHT, as in --size 1024x768, .*16..4096$") as refused:
        Settings(size=text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize("text", ["", "16/9", "1.78:1", "0:1", "101:1", "16:9:4"])
def test_an_aspect_that_is_none_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError, match=r"^aspect .* is not WIDTH:HEIGHT, as in --aspect 16:9, .*1..100$"):
        Settings(aspect=text)


def test_one_in_the_place_of_the_other_is_told_where_it_belongs() -> None:
    with pytest.raises(UserError, match=r"^size '16:9' is not WIDTHxHEIGHT, .*; an aspect ratio is said by --aspect"):
        Settings(size="16:9")
    with pytest.raises(UserError, match=r"^aspect '64x64' is not WIDTH:HEIGHT, .*; pixels are said by --size"):
        Settings(aspect="64x64")


def test_both_at_once_are_refused() -> None:
    with pytest.raises(UserError, match="leave out --size or --aspect"):
        Settings(size="64x64", aspect="16:9")


def test_settings_tell_what_is_asked_for() -> None:
    assert Settings().picture_size is None
    assert load_settings(environ={"IMAGERAG_SIZE": "640x480"}).picture_size == PictureSize(640, 480)
    assert load_settings({"aspect": "4:3"}, environ={"IMAGERAG_SIZE": "640x480"}).picture_size == PictureSize(
        4, 3, is_exact=False
    )
