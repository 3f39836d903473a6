"""The body of an answer, unpacked only as far as it may be large: a kilobyte of gzip in gzip holds gigabytes."""

import zlib

ACCEPTED = "gzip, deflate"
"""What to send as ``Accept-Encoding``: what is unpacked here."""


class BodyRefused(ValueError):
    """The body is larger than it may be, packed in a way that is not unpacked, or damaged; says which."""


class BoundedBody:
    """Collects a body piece by piece.

    Args:
        encoding: of the answer's ``Content-Encoding``; empty if it has none.
        most: bytes that it may have, unpacked.

    Attributes:
        data: what there is so far, unpacked.

    Raises:
        BodyRefused: packed more than once, or otherwise than by gzip or deflate.
    """

    def __init__(self, encoding: str, most: int) -> None:
        self.data = bytearray()
        self._most = most
        names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
        if len(names) > 1:
            raise BodyRefused(f"it is packed {len(names)} times ({encoding[:80]!r})")
        if names and names[0] not in ("gzip", "x-gzip", "deflate"):
            raise BodyRefused(f"it is packed with {names[0][:40]!r}, which was not asked for")
        # 32 more than the window's bits: with the head of gzip or of zlib (RFC 9110, 8.4.1), whichever there is.
        self._packed = zlib.decompressobj(zlib.MAX_WBITS + 32) if names else None

    def add(self, piece: bytes) -> None:
        """Take in the next piece.

        Raises:
            BodyRefused: the body is larger than it may be, or damaged.
        """
        if self._packed is None:
            self.data += piece
        else:
            try:
                self.data += self._packed.decompress(piece, self._most + 1 - len(self.data))
            except zlib.error as error:
                raise BodyRefused(f"it can't be unpacked ({error})") from error
        if len(self.data) > self._most:
            raise BodyRefused(f"it has more than {self._most} bytes")
