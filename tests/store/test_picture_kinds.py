"""What files are by their first bytes."""

import io
import struct
import subprocess
import sys
from collections.abc import Iterator

import pytest
from PIL import Image

from imagerag.errors import UserError
from imagerag.store.picture_decoding import read_picture
from imagerag.store.picture_kinds import heif_installed, looks_like_picture, why_unreadable


def boxed(major: bytes, *others: bytes) -> bytes:
    """Return the start of an ISO base media file of these brands."""
    brands = major + bytes(4) + b"".join(others)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(64)


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine where the package that reads HEIC is not installed."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heif_installed.cache_clear()
    yield
    heif_installed.cache_clear()


KINDS = {
    "HEIC": (boxed(b"heic", b"mif1"), "pip install pillow-heif"),
    "HEIF, by another brand": (boxed(b"mif1", b"heic"), "pip install pillow-heif"),
    "a camera's raw": (boxed(b"crx ", b"isom"), "raw picture"),
    "a film": (boxed(b"isom", b"mp41"), "video"),
    "AVI": (b"RIFF\0\0\0\0AVI " + bytes(9), "video"),
    "Matroska": (b"\x1aE\xdf\xa3" + bytes(9), "video"),
    "JPEG XL, bare": (b"\xff\x0a" + bytes(9), "JPEG XL"),
    "JPEG XL, boxed": (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    "SVG": (b"<!-- drawn --><svg xmlns=''/>", "SVG"),
    "a page": (b"\n<html><body>403</body></html>", "HTML"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
    "PDF": (b"%PDF-1.7", "PDF"),
    "Photoshop": (b"8BPS\0\1", "Photoshop"),
    "of a Mac": (b"\0\5\x16\7\0\2\0\0", "AppleDouble"),
    "of Git LFS": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "an archive": (b"PK\3\4" + bytes(9), "zip"),
}


@pytest.mark.usefixtures("without_heif")
@pytest.mark.parametrize("kind", KINDS)
def test_the_reason_is_in_one_line_with_the_way_out(kind: str) -> None:
    data, says = KINDS[kind]
    why = why_unreadable(data)
    assert why is not None
    assert says in why
    with pytest.raises(UserError, match=r"image 'x\.jpg' is ") as caught:
        read_picture(data, name="image 'x.jpg'")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"hello", boxed(b"avif", b"mif1"), b"<?xml version='1.0'?><rss/>"])
def test_other_files_have_no_reason_of_their_own(data: bytes) -> None:
    assert why_unreadable(data) is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "ICO"])
def test_pictures_look_like_it(kind: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (16, 16)).save(out, kind)
    assert looks_like_picture(out.getvalue())
    assert not looks_like_picture(b"no picture at all")
    assert why_unreadable(out.getvalue()) is None


def test_heic_is_read_where_its_package_is_installed() -> None:
    heif = pytest.importorskip("pillow_heif", reason="pip install pillow-heif")
    out = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (64, 32), "red")).save(out)
    assert read_picture(out.getvalue()).size == (64, 32)
    with pytest.raises(UserError, match="is HEIC, but damaged"):
        read_picture(boxed(b"heic", b"mif1"))


UNITS = (b"<!---->", b"<!--x--> ", b"<?xml?>", b"<!DOCTYPE svg>", b" ", b"<!", b"<!-- <?")


@pytest.mark.slow
def test_many_comments_before_nothing_are_read_once() -> None:
    """Forty empty comments were an upload of some hundred bytes that was looked at for hours, and held up all others.

    In a process of its own, which can be ended: a pattern can't.
    """
    look = (
        "from imagerag.store.picture_kinds import why_unreadable\n"
        f"for unit in {UNITS!r}:\n    print(why_unreadable(unit * 2000), why_unreadable(unit * 400 + b'x'))"
    )
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.split() == ["None"] * 2 * len(UNITS)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<svg xmlns='x'>", "SVG"),
        (b"\n<?xml version='1.0'?>\n<!-- a > b -->\n<!-- c --><!DOCTYPE svg PUBLIC 'x'>\n<SVG>", "SVG"),
        (b"<!---->" * 300 + b"<svg>", "SVG"),
        (b"<!doctype HTML><html>", "HTML"),
        (b"  <!-- a --><html lang='en'>", "HTML"),
        (b"<svgx>", ""),
        (b"<p><svg>", ""),
        (b"<!-- <svg>", ""),
    ],
)
def test_markup_is_told_by_its_root(data: bytes, what: str) -> None:
    said = why_unreadable(data)
    assert (said or "") == "" if not what else what in str(said)
