"""Bodies that hold more than they seem to."""

import gzip
import zlib

import pytest

from imagerag.net.bounded_body import BodyRefused, BoundedBody

MOST = 100_000


def _read(encoding: str, data: bytes, piece: int = 100) -> bytes:
    body = BoundedBody(encoding, MOST)
    for start in range(0, len(data), piece):
        body.add(data[start : start + piece])
        assert len(body.data) <= MOST + 1
    return bytes(body.data)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("", bytes), ("identity", bytes), ("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress)],
)
def test_a_body_is_unpacked_as_its_header_says(encoding: str, pack: object) -> None:
    data = bytes(range(256)) * 300
    assert _read(encoding, pack(data)) == data  # type: ignore[operator]


@pytest.mark.parametrize(
    ("encoding", "data", "says"),
    [
        ("", b"x" * (MOST + 1), "more than 100000 bytes"),
        ("gzip", gzip.compress(bytes(10**8)), "more than 100000 bytes"),
        ("deflate", zlib.compress(bytes(10**8)), "more than 100000 bytes"),
        ("gzip, gzip", gzip.compress(gzip.compress(bytes(10**8))), "packed 2 times"),
        ("br", b"", "packed with 'br'"),
        ("gzip", b"not packed at all", "can't be unpacked"),
    ],
)
def test_more_than_it_may_hold_is_never_unpacked(encoding: str, data: bytes, says: str) -> None:
    with pytest.raises(BodyRefused, match=says):
        _read(encoding, data, 10**6)
