"""Cells of tables that hold or name pictures."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from imagerag.index.user.sources.cells import PictureCell, file_names, image_columns, pictures_in


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(out, "PNG")
    return out.getvalue()


IN_TEXT = base64.b64encode(png()).decode()


@pytest.mark.parametrize(
    ("cell", "pictures"),
    [
        (None, []),
        ("", []),
        (float("nan"), []),
        (b"", []),
        ([], []),
        (png(), [PictureCell(png())]),
        (IN_TEXT, [PictureCell(png())]),
        (IN_TEXT.encode(), [PictureCell(png())]),
        ({"bytes": png(), "path": "x.png"}, [PictureCell(png())]),
        ({"bytes": None, "path": "x.png"}, [PictureCell(path="x.png")]),
        ({"bytes": IN_TEXT}, [PictureCell(png())]),
        ({"url": "https://example.org/x.png"}, [PictureCell(url="https://example.org/x.png")]),
        ({"src": "https://example.org/x.png", "height": 9}, [PictureCell(url="https://example.org/x.png")]),
        ("data:image/svg+xml,%3Csvg/%3E", [PictureCell(b"<svg/>")]),
        ("file:///a%20b.png", [PictureCell(path="/a b.png")]),
        ("a/b.png", [PictureCell(path="a/b.png")]),
        ('["a.png", "b.png"]', [PictureCell(path="a.png"), PictureCell(path="b.png")]),
        (["a.png", None, [png()]], [PictureCell(path="a.png"), PictureCell(png())]),
        ("HTTPS://example.org/x.png", [PictureCell(url="HTTPS://example.org/x.png")]),
        ("[draft].png", [PictureCell(path="[draft].png")]),
    ],
)
def test_pictures_of_every_shape(cell: Any, pictures: list[PictureCell]) -> None:
    assert pictures_in(cell) == pictures


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("http://example.org/x.png", "only https is fetched"),
        ("hf://datasets/x/y.png", "'hf' addresses are not fetched"),
        ("https://[::1/x.png", "is no address"),
        ("file://[x", "is no address"),
        ("data:image/png;base64", "no data address"),
        ("data:image/png;base64,*", "no data address"),
        ("A" * 50_000, "no path, no address"),
        ("https://example.org/" + "a" * 50_000, "no path, no address"),
    ],
)
def test_what_is_no_picture_is_told_in_one_short_line(cell: str, says: str) -> None:
    (picture,) = pictures_in(cell)
    assert says in picture.problem
    assert picture == PictureCell(problem=picture.problem)
    assert len(picture.problem) < 500


def test_lists_in_lists_without_end_hold_nothing() -> None:
    deep: Any = "x.png"
    for _ in range(900):
        deep = [deep]
    assert pictures_in(deep) == []


def test_columns_are_found_by_their_names_the_likeliest_first() -> None:
    assert image_columns(["id", "URL", "Image"]) == ["Image", "URL"]
    assert image_columns(["title", "filepath"]) == ["filepath"]
    assert image_columns(["mask_file_name", "file_name"]) == ["file_name", "mask_file_name"]
    assert image_columns(["caption"]) == []


def test_a_record_names_its_files_by_file_name_before_all() -> None:
    assert file_names({"image": "x", "file_name": "a.png"}) == ["a.png"]
    assert file_names({"a_file_name": "a.png", "b_file_names": ["b.png", "c.png"]}) == ["a.png", "b.png", "c.png"]
    assert file_names({"image_path": "a.png"}) == ["a.png"]
    assert file_names({"caption": "x"}) == []
