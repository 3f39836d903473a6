"""A digest of what of a file is its picture, whatever is said about the picture beside it.

Of a PNG that is the digest of the decoded pixels, so that a file which was only compressed again has the same one. How
a JPEG or a WebP decodes is left to the decoder within limits, so there it is the digest of the coded image data: of all
that decoders read, without the metadata around it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL import Image

FileFormat = Literal["png", "jpeg", "webp"]

_JPEG_IMAGE = {*range(0xC0, 0xE0), 0xE2, 0xEE}
"""Markers of segments that pixels depend on: tables, frames and scans; of the applications' APP2 (colour profiles) and
APP14 (Adobe's transform of colours), not Exif, XMP, C2PA and comments (ITU-T T.81, table B.1)."""
_WEBP_IMAGE = {b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}


def plain(image: Image.Image) -> Image.Image:
    """Return an image as the store keeps it: RGBA where something may be see-through, else RGB."""
    see_through = "A" in image.getbands() or "transparency" in image.info
    mode = "RGBA" if see_through else "RGB"
    return image if image.mode == mode else image.convert(mode)


def pixels_sha256(image: Image.Image) -> str:
    """Return the digest of an image's pixels, its size and whether it has transparency, in hex."""
    image = plain(image)
    digest = hashlib.sha256(f"{image.mode} {image.width} {image.height}\n".encode("ascii"))
    digest.update(image.tobytes())
    return digest.hexdigest()


def data_sha256(data: bytes, kind: Literal["jpeg", "webp"]) -> str:
    """Return the digest of a JPEG's or a WebP's coded image data, in hex.

    Raises:
        ValueError: the file is not built like one.
    """
    digest = hashlib.sha256()
    if kind == "jpeg":
        parts = [part for marker, part in jpeg_segments(data) if marker in _JPEG_IMAGE]
    else:
        parts = [part for name, part in webp_chunks(data) if name in _WEBP_IMAGE]
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def format_of(data: bytes) -> FileFormat | None:
    """Return which of the three formats a file has, by how it begins."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and bytes of each segment up to the first scan, and all from there on as one (T.81, section B.1.1).

    Raises:
        ValueError: the file is not built like a JPEG.
    """
    at = 2
    while True:
        if data[at : at + 1] != b"\xff" or at + 4 > len(data):
            raise ValueError("is a JPEG that breaks off")
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # fill bytes may stand before any marker
            at += 1
            continue
        if marker == 0xDA:
            yield marker, data[at:]
            return
        if length < 2:
            raise ValueError("is a damaged JPEG")
        yield marker, data[at : at + 2 + length]
        at += 2 + length


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and bytes of each chunk (RFC 9649, section 2.3).

    Raises:
        ValueError: the file is not built like a WebP.
    """
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack("<4sI", data[at : at + 8])
        if at + 8 + length > len(data):
            raise ValueError("is a WebP that breaks off")
        yield name, data[at : at + 8 + length]
        at += 8 + length + (length & 1)
