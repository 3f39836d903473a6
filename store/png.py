"""Text chunks of PNG files, read and exchanged without touching the pixels.

Chunk layout and iTXt as in the PNG specification, third edition, sections 5 and 11.3.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from imagerag.regular_files import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"\0\0\0\0IEND\xaeB`\x82"
"""The last chunk, which is empty; Pillow decodes what lacks it."""
TEXT = b"iTXt"
C2PA = b"caBX"
"""Holds a C2PA manifest (C2PA specification, appendix A.3)."""
MAX_TEXT = 2**24
"""Bytes; a longer text is none of ours, and must not fill the memory."""


class NotPng(ValueError):
    """Not a PNG, or one that ends or breaks off where it must not. ``str(error)`` continues "this file ..."."""


def encode_png(image: Image.Image) -> bytes:
    """Return the image as a PNG file."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def is_whole_png(path: Path) -> bool:
    """Tell whether there is a PNG of ours whose pixels are as they were written, to its end, as after a power cut."""
    from PIL import Image as pil

    try:
        with open_regular(path) as file:
            file.seek(-len(END), io.SEEK_END)
            if file.read() != END:
                return False
            file.seek(0)
            with pil.open(file, formats=("PNG",)) as image:
                image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def on_white(image: Image.Image) -> Image.Image:
    """Return an image of any mode as RGB, its transparent parts white: what whoever opens it sees."""
    from PIL import Image as pil

    if "A" not in image.getbands() and "a" not in image.getbands() and "transparency" not in image.info:
        return image if image.mode == "RGB" else image.convert("RGB")
    rgba = image.convert("RGBA")
    flat = pil.new("RGB", rgba.size, "white")
    flat.paste(rgba, mask=rgba.getchannel("A"))
    return flat


def read_text(file: BinaryIO, keyword: str) -> str | None:
    """Return the iTXt text with this keyword, or ``None``. Pixels are skipped, not read.

    Raises:
        NotPng: see there.
    """
    for kind, start, length in _chunks(file):
        if kind == TEXT and length <= MAX_TEXT:
            text = _text_of(_checked(file, kind, start, length), keyword)
            if text is not None:
                return text
    return None


def with_text(png: bytes, keyword: str, text: str) -> bytes:
    """Return the same PNG with this text under this keyword, instead of the one it had; all else stays byte for byte.

    Raises:
        NotPng: see there.
    """
    file = io.BytesIO(png)
    out = [SIGNATURE]
    for kind, start, length in _chunks(file):
        if kind == TEXT and png[start : start + length].split(b"\0", 1)[0] == keyword.encode("latin-1"):
            continue
        out.append(png[start - 8 : start + length + 4])
        if kind == b"IHDR":
            data = keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8")
            out.append(struct.pack(">I", len(data)) + TEXT + data + struct.pack(">I", zlib.crc32(TEXT + data)))
    return b"".join(out)


def without_chunks(png: bytes, unwanted: bytes) -> bytes:
    """Return the same PNG without its chunks of one kind.

    Raises:
        NotPng: see there.
    """
    kept = [png[start - 8 : start + length + 4] for kind, start, length in _chunks(io.BytesIO(png)) if kind != unwanted]
    return b"".join([SIGNATURE, *kept])


def chunk_names(png: bytes) -> set[bytes]:
    """Return the names of a PNG's chunks.

    Raises:
        NotPng: see there.
    """
    return {kind for kind, _, _ in _chunks(io.BytesIO(png))}


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each chunk with the start and length of its data."""
    if file.read(8) != SIGNATURE:
        raise NotPng("is not a PNG file")
    end = file.seek(0, io.SEEK_END)
    at, kind = 8, b""
    while kind != b"IEND":
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            raise NotPng("is a PNG file that breaks off")
        length, kind = struct.unpack(">I4s", header)
        if at + 12 + length > end:
            raise NotPng("is a PNG file that breaks off")
        yield kind, at + 8, length
        at += 12 + length


def _checked(file: BinaryIO, kind: bytes, start: int, length: int) -> bytes:
    file.seek(start)
    data = file.read(length)
    if file.read(4) != struct.pack(">I", zlib.crc32(kind + data)):
        raise NotPng("is a damaged PNG file")
    return data


def _text_of(data: bytes, keyword: str) -> str | None:
    """Take an iTXt chunk apart: keyword, 0, compressed, method, language, 0, translated keyword, 0, text."""
    name, _, rest = data.partition(b"\0")
    if name != keyword.encode("latin-1"):
        return None
    text = rest[2:].split(b"\0", 2)[-1]
    try:
        if rest[:1] == b"\1":  # other programs compress it when they rewrite the file
            inflate = zlib.decompressobj()
            text = inflate.decompress(text, MAX_TEXT)
        return text.decode("utf-8")
    except (zlib.error, UnicodeDecodeError) as error:
        raise NotPng("is a damaged PNG file") from error
