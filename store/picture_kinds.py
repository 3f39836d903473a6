"""What kind of file bytes are, by how they begin: whether a picture, or why they are none that can be read."""

from __future__ import annotations

import re
from functools import lru_cache

_STARTS = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"\0\0\1\0",
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"\xff\x4f\xff\x51",
    b"\xff\x0a",
)
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF = frozenset({b"avif", b"avis"})
_HEAD = 4096
"""Bytes at the begin of a file in which its root element is looked for."""
_ROOT = re.compile(rb"<(svg|html|!doctype html)[\s>]", re.IGNORECASE)
_BEFORE = ((b"<?", b"?>"), (b"<!--", b"-->"), (b"<!", b">"))
"""How what may stand before a root element begins and ends (XML 1.0, section 2.8)."""
_AS_PNG = "save it as PNG or JPEG"
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\x0a", f"is JPEG XL, which is not read; {_AS_PNG}"),
    (b"\0\0\0\x0cJXL ", f"is JPEG XL, which is not read; {_AS_PNG}"),
    (b"8BPS", f"is a Photoshop document, which is not read; {_AS_PNG}"),
    (b"%PDF", f"is no image of pixels but a PDF document; {_AS_PNG}"),
    (b"%!PS", f"is no image of pixels but PostScript; {_AS_PNG}"),
    (b"v/1\x01", f"is OpenEXR, which is not read; {_AS_PNG}"),
    (b"#?RADIANCE", f"is Radiance HDR, which is not read; {_AS_PNG}"),
    (b"\x1aE\xdf\xa3", "is a video, not a picture; give a frame of it"),
    (b"PK\3\4", "is a zip archive or arrays of NumPy, not a picture; unpack it, or leave it out"),
    (b"\x93NUMPY", "is a NumPy array, not a picture; leave it out"),
    (b"\0\5\x16\7", "is what macOS keeps beside a picture (AppleDouble), not the picture; leave it out"),
    (b"version https://git-lfs", "is a pointer of Git LFS in place of the picture; run: git lfs pull"),
)


def looks_like_picture(data: bytes) -> bool:
    """Tell whether bytes begin as a picture of a common format does."""
    return data.startswith(_STARTS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or bool(_brands(data))


@lru_cache(maxsize=1)
def heif_installed() -> bool:
    """Tell whether HEIC can be read: ``pillow-heif`` is installed. Pillow knows the format from then on."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def why_unreadable(data: bytes) -> str | None:
    """Return why a file can't be read as a picture, and the way out, to stand behind its name; ``None`` if unknown."""
    brands = _brands(data)
    if brands & _HEIF and not brands & _AVIF:
        if heif_installed():
            return "is HEIC, but damaged; give an undamaged copy"
        return "is HEIC, which is read where pillow-heif is installed; run: pip install pillow-heif, or save it as JPEG"
    if b"crx " in brands:
        return f"is a camera's raw picture, which is not read; {_AS_PNG}"
    if brands and not brands & _AVIF:
        return "is a video, not a picture; give a frame of it"
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "is a video, not a picture; give a frame of it"
    root = _root(data[:_HEAD])
    if root == b"svg":
        return f"is no image of pixels but SVG; {_AS_PNG}"
    if root:
        return "is a page in HTML, not a picture; download the picture again"
    return next((why for start, why in _OTHERS if data.startswith(start)), None)


def _root(data: bytes) -> bytes:
    """Return the name of the root element of XML or HTML, if it is one of ``_ROOT``; each byte is read once."""
    at = 0
    while True:
        at = len(data) - len(data[at:].lstrip())
        if found := _ROOT.match(data, at):
            return found[1].lower()
        ends = next((end for begin, end in _BEFORE if data.startswith(begin, at)), None)
        if ends is None or (end := data.find(ends, at)) < 0:
            return b""
        at = end + len(ends)


def _brands(data: bytes) -> frozenset[bytes]:
    """Return the brands of an ISO base media file (ISO/IEC 14496-12, 4.3): the major one and those it goes with."""
    if data[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(data[:4], "big"), len(data), 512)
    return frozenset({data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))})
