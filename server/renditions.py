"""An image in the size and the file format that a client asks for."""

import re
from typing import TYPE_CHECKING, NamedTuple, cast

from imagerag.picture_size import SIDES
from imagerag.server.api_error import ApiError
from imagerag.server.database import Entry
from imagerag.server.service import Service
from imagerag.store.exports import Signer, copy_file
from imagerag.store.image_data import FileFormat

if TYPE_CHECKING:
    from imagerag.store.manifest import Manifest

FORMATS: dict[str, FileFormat] = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"}
"""Formats by the end of an address."""
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")


class Rendition(NamedTuple):
    """A file, and how large the picture in it is, in pixels."""

    data: bytes
    width: int
    height: int

    @property
    def size(self) -> str:
        """As OpenAI writes it: ``1024x768``."""
        return f"{self.width}x{self.height}"


def size_of(text: str | None) -> tuple[int, int] | None:
    """Return width and height in pixels; ``None`` for ``auto``, as it was drawn.

    Raises:
        ApiError: not of that form, or outside what can be had.
    """
    if text is None or text in ("", "auto"):
        return None
    found = _SIZE.fullmatch(text or "")
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(SIDES[0] <= side <= SIDES[1] for side in size):
        low, high = SIDES
        known = f"give 'auto' or WIDTHxHEIGHT, each side {low}..{high}"
        raise ApiError(400, f"size {str(text)[:40]!r} is not supported; {known}", "invalid_value", "size")
    return size


def render(
    service: Service, entry: Entry, size: tuple[int, int] | None, kind: FileFormat = "png", quality: int | None = None
) -> Rendition:
    """Return an entry's image as a file; see ``imagerag.store.exports`` for what it says of how it was drawn.

    Args:
        size: scaled until it covers that and cropped at the middle; as it was drawn if ``None``.
        kind: ``png`` as drawn can be replayed; no other can, since nothing draws those pixels again.
        quality: 0..100, of ``jpeg`` and ``webp``.
    """
    picture = service.picture(entry)
    if kind == "png" and size in (None, picture.size):
        return Rendition(service.file(entry), *picture.size)
    manifest = service.manifest(entry) if entry.kind == "image" else None
    return encoded(picture, size, kind, quality, manifest, service.store.signer)


def encoded(
    picture: object,
    size: tuple[int, int] | None,
    kind: FileFormat,
    quality: int | None = None,
    manifest: "Manifest | None" = None,
    signer: Signer | None = None,
) -> Rendition:
    """Return a ``PIL.Image.Image`` as a file; see ``render``. Without a manifest it says nothing of itself."""
    from PIL import Image, ImageOps

    image = cast("Image.Image", picture)
    if size is not None and size != image.size:
        image = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    return Rendition(copy_file(image, kind, manifest, quality, signer), *image.size)
