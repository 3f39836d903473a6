"""Of how many parts a picture's file is made: Pillow reads each in Python, so millions of empty ones take minutes."""

import re
from collections.abc import Callable

MOST_PARTS = 20_000
"""Chunks, segments, blocks, boxes or bytes that fill up before the pixels; 20 MB of PNG in chunks of 8 kB are 2,500."""
MOST_ICONS = 256
"""Of an ICO, which has one for each size and depth."""
_PNM_HEAD = 2**16
"""Bytes within which the size of a PNM has to stand."""


def too_many_parts(data: bytes) -> bool:
    """Tell whether a file has more parts than a picture's has; one that is damaged has as many as stand before that."""
    if data.startswith(b"\x89PNG"):
        return _is_beyond(data, 8, _after_chunk)
    if data.startswith(b"\xff\xd8"):
        return _is_beyond(data, 2, _after_segment)
    if data.startswith((b"GIF87a", b"GIF89a")):
        palette = 3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 0x80 else 0
        return _gif_is_beyond(data, 13 + palette)
    if data.startswith(b"\0\0\0\x0cjP  "):
        return _is_beyond(data, 0, _after_box)
    if data.startswith((b"\0\0\1\0", b"\0\0\2\0")):
        return int.from_bytes(data[4:6], "little") > MOST_ICONS
    if re.match(rb"P[1-7fFyP]\s", data) and len(data) > _PNM_HEAD:
        return len(re.sub(rb"#[^\r\n]*", b"", data[:_PNM_HEAD]).split(None, 3)) < 4
    return False


def _is_beyond(data: bytes, at: int, after: Callable[[bytes, int], int]) -> bool:
    for _ in range(MOST_PARTS):
        if not 0 <= at < len(data):
            return False
        at = after(data, at)
    return 0 <= at < len(data)


def _after_chunk(data: bytes, at: int) -> int:
    return at + 12 + int.from_bytes(data[at : at + 4], "big")


def _after_segment(data: bytes, at: int) -> int:
    if data[at] != 0xFF:
        return -1
    marker = data[at + 1] if at + 1 < len(data) else 0xDA
    if marker == 0xDA:  # the pixels follow
        return -1
    if marker in (0x00, 0xFF):  # which fill up
        return at + 1
    if marker == 0x01 or 0xD0 <= marker <= 0xD9:
        return at + 2
    return at + 2 + max(int.from_bytes(data[at + 2 : at + 4], "big"), 2)


def _gif_is_beyond(data: bytes, at: int) -> bool:
    parts = 0
    while at < len(data) and data[at] not in b",;" and parts <= MOST_PARTS:
        parts += 1
        if data[at] != ord("!"):
            at += 1
            continue
        at += 2
        while at < len(data) and data[at] and parts <= MOST_PARTS:
            at += 1 + data[at]
            parts += 1
        at += 1
    return parts > MOST_PARTS


def _after_box(data: bytes, at: int) -> int:
    length = int.from_bytes(data[at : at + 4], "big")
    if length == 1:
        length = int.from_bytes(data[at + 8 : at + 16], "big")
    return at + length if length >= 8 else -1
