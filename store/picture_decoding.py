"""Whatever picture a person hands over, made into plain 8-bit RGB or RGBA of a sensible size."""

from __future__ import annotations

import io
import stat
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imagerag.errors import UserError, first_line
from imagerag.store.files import cannot_read
from imagerag.store.picture_kinds import heif_installed, why_unreadable

if TYPE_CHECKING:
    from PIL import Image

LONGEST_SIDE = 1024
"""Pixels; larger pictures are scaled down to it."""
MAX_BYTES = 100 * 2**20
MAX_PIXELS = 80_000_000
"""Above it, decoding may take gigabytes: a decompression bomb, or a scan to be made smaller by its owner. Stays below
Pillow's own limit (89 million), at which it would print a warning."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "ICO", "PPM")
"""Pillow knows more, but some of those call other programs (EPS)."""
WITH_HEIF = (*FORMATS, "HEIF")

_WARNINGS = threading.Lock()


def read_picture(picture: str | Path | bytes | Image.Image, *, name: str | None = None) -> Image.Image:
    """Return the picture upright, as RGB, or RGBA where something is transparent, longest side <= ``LONGEST_SIDE``.

    Animations give their first frame, 16-bit and float pictures are scaled to 8 bits.

    Args:
        picture: a file's path, a file's bytes, or an image.
        name: what bytes are called in an error; ``the uploaded image (N bytes)`` if not given.

    Raises:
        UserError: it can't be read, is no picture of the formats above, broken, or too large; names the file.
    """
    from PIL import Image as pil

    if isinstance(picture, pil.Image):
        return _plain(picture.copy(), "the image")
    if isinstance(picture, bytes):
        return _decode(picture, name or f"the uploaded image ({len(picture)} bytes)")
    return _decode(_bytes_of(Path(picture)), f"image {str(picture)!r}")


def readable_formats() -> list[str]:
    """Return the formats that are read here, as Pillow names them."""
    from PIL import Image as pil

    pil.init()
    known = WITH_HEIF if heif_installed() else FORMATS
    return [kind for kind in known if kind in pil.OPEN]  # Pillow may be built without AVIF or JPEG 2000


def _bytes_of(path: Path) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode) or not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise UserError(f"image {str(path)!r} is {what}; give an image file")
        if status.st_size > MAX_BYTES:
            raise UserError(
                f"image {str(path)!r} has {status.st_size / 2**20:.0f} MB; give one of at most {MAX_BYTES // 2**20} MB"
            )
        return path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error
    except ValueError as error:  # a zero byte in the path
        raise UserError(f"image {str(path)!r} is no possible path; give an image file") from error


def _decode(data: bytes, name: str) -> Image.Image:
    from PIL import Image as pil
    from PIL import UnidentifiedImageError

    if len(data) > MAX_BYTES:
        raise UserError(f"{name} is too large; give one of at most {MAX_BYTES // 2**20} MB")
    formats = readable_formats()
    try:
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of them is checked below; the rest is not for the person
            image = pil.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError as error:
        why = why_unreadable(data)
        if why:
            raise UserError(f"{name} {why}") from error
        raise UserError(
            f"{name} is no image, or damaged at its start; give one of these: {', '.join(formats)}"
        ) from error
    except pil.DecompressionBombError as error:
        raise _too_many_pixels(name) from error
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise _broken(name, error) from error
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels(name)
    if image.format == "JPEG":
        image.draft(None, (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))  # decodes a large photo at a fraction of its memory
    return _plain(image, name)


def _plain(image: Image.Image, name: str) -> Image.Image:
    from PIL import ImageOps

    try:
        image.load()
        image = ImageOps.exif_transpose(image)
        image = _eight_bits(image)
        see_through = "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info
        image = image.convert("RGBA" if see_through else "RGB")
        if max(image.size) > LONGEST_SIDE:
            image = _smaller(image)
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise _broken(name, error) from error
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info.clear()  # no camera, place or profile of the person's goes into files of ours
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16- and 32-bit grey to 0..255; Pillow's ``convert`` would clip everything above 255 to white."""
    from PIL import Image as pil

    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.asarray(image, np.float64), posinf=0.0, neginf=0.0)
    low, high = min(0.0, float(values.min())), float(values.max())
    if image.mode != "F" and high <= 65535:
        high = 65535.0
    elif image.mode == "F" and high <= 1:
        high = 1.0
    return pil.fromarray(((values - low) * (255 / max(high - low, 1e-12))).round().astype(np.uint8), "L")


def _smaller(image: Image.Image) -> Image.Image:
    from PIL import Image as pil

    scale = LONGEST_SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if image.mode == "RGBA":  # premultiplied, or transparent pixels would bleed their hidden colour into the edge
        return image.convert("RGBa").resize(size, pil.Resampling.LANCZOS).convert("RGBA")
    return image.resize(size, pil.Resampling.LANCZOS)


def _broken(name: str, error: Exception) -> UserError:
    return UserError(f"{name} can't be decoded ({first_line(error)}); give an undamaged copy, or save it as PNG")


def _too_many_pixels(name: str) -> UserError:
    return UserError(f"{name} has more than {MAX_PIXELS:,} pixels; scale it down to about {LONGEST_SIDE} a side")
