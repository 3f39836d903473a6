"""Pictures' files of millions of parts, each of which takes Pillow a moment."""

import io
import struct
import time
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from imagerag.errors import UserError
from imagerag.store.picture_decoding import MAX_BYTES, is_large, read_picture
from imagerag.store.picture_parts import MOST_PARTS, too_many_parts


def _file(kind: str, **settings: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(out, kind, **settings)
    return out.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png(parts: int) -> bytes:
    whole = _file("PNG")
    return whole[:33] + _chunk(b"tEXt", b"a\0b") * parts + whole[33:]


def _jpeg(parts: int) -> bytes:
    return b"\xff\xd8" + b"\xff\xe5\0\2" * parts + _file("JPEG")[2:]


def _padded_jpeg(parts: int) -> bytes:
    return b"\xff\xd8" + b"\xff" * parts + _file("JPEG")[2:]


def _gif(parts: int) -> bytes:
    whole = _file("GIF")
    at = 13 + (3 << (whole[10] & 7) + 1)
    return whole[:at] + b"!\xfe\1a\0" * parts + whole[at:]


def _gif_of_one_comment(parts: int) -> bytes:
    whole = _file("GIF")
    at = 13 + (3 << (whole[10] & 7) + 1)
    return whole[:at] + b"!\xfe" + b"\1a" * parts + b"\0" + whole[at:]


def _ico(parts: int) -> bytes:
    return b"\0\0\1\0" + struct.pack("<H", min(parts, 65535)) + b"\0" * 16 * min(parts, 65535)


def _pnm(parts: int) -> bytes:
    return b"P6 " + b" " * 20 * parts + b"4 4 255\n" + b"\0" * 48


def _pnm_of_comments(parts: int) -> bytes:
    return b"P6 " + b"#abc\n" * 4 * parts + b"4 4 255\n" + b"\0" * 48


def _jp2(parts: int) -> bytes:
    return b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x08free" * parts


MADE = [_png, _jpeg, _padded_jpeg, _gif, _gif_of_one_comment, _ico, _pnm, _pnm_of_comments, _jp2]


@pytest.mark.parametrize("made", MADE)
def test_a_file_of_very_many_parts_is_refused_at_once(made: Callable[[int], bytes]) -> None:
    data = made(600_000)[:MAX_BYTES]
    assert too_many_parts(data)
    began = time.process_time()
    assert not is_large(data)
    with pytest.raises(UserError, match=rf"is made of more than {MOST_PARTS} parts"):
        read_picture(data)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("made", [_png, _jpeg, _gif, _gif_of_one_comment])
def test_some_thousand_parts_are_read(made: Callable[[int], bytes]) -> None:
    assert read_picture(made(5000)).size == (300, 200)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "ICO", "PPM", "WEBP", "BMP", "TIFF"])
def test_pictures_as_programs_write_them_are_read_and_cut_ones_counted(kind: str) -> None:
    data = _file(kind)
    for length in (*range(40), len(data)):
        assert not too_many_parts(data[:length])
