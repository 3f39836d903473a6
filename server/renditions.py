"""An image in the size and the file format that a client asks for."""

import io
import re
from typing import Literal, NamedTuple, cast

from imagerag.picture_size import SIDES
from imagerag.server.api_error import ApiError
from imagerag.server.database import Entry
from imagerag.server.service import Service

Format = Literal["png", "jpeg", "webp"]
FORMATS: dict[str, Format] = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"}
"""Formats by the end of an address."""
QUALITY = 90
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
    service: Service, entry: Entry, size: tuple[int, int] | None, kind: Format = "png", quality: int | None = None
) -> Rendition:
    """Return an entry's image as a file.

    Args:
        size: scaled until it covers that and cropped at the middle; as it was drawn if ``None``.
        kind: ``png`` as drawn carries the manifest; a scaled one doesn't, since nothing draws those pixels again.
        quality: 0..100, of ``jpeg`` and ``webp``.
    """
    picture = service.picture(entry)
    if kind == "png" and size in (None, picture.size):
        return Rendition(service.file(entry), *picture.size)
    return encoded(picture, size, kind, quality)


def encoded(picture: object, size: tuple[int, int] | None, kind: Format, quality: int | None = None) -> Rendition:
    """Return a ``PIL.Image.Image`` as a file; see ``render``."""
    from PIL import Image, ImageOps

    image = cast("Image.Image", picture)
    if size is not None and size != image.size:
        image = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    if kind == "jpeg" and image.mode != "RGB":
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    file = io.BytesIO()
    # Scaled up, Pillow's usual level takes four times as long for files a tenth smaller.
    settings = {"compress_level": 1} if kind == "png" else {"quality": QUALITY if quality is None else quality}
    image.save(file, kind.upper(), **settings)
    return Rendition(file.getvalue(), *image.size)
