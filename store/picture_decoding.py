"""Whatever picture a person hands over, made into plain 8-bit RGB or RGBA of a sensible size."""

from __future__ import annotations

import io
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagerag.errors import UserError, first_line
from imagerag.regular_files import read_regular
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
_ORIENTATION = 0x0112

WITH_HEIF = (*FORMATS, "HEIF")

LARGE = 4_000_000
"""Pixels from which on pictures are decoded one at a time, whatever the number of threads: memory stays bounded."""
IN_STRIPS = 16_000_000
"""Pixels from which on a picture is made plain and smaller strip by strip, so that it is never there twice."""
_ROWS = 256

_WARNINGS = threading.Lock()
_LARGE = threading.Lock()


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
    return _decode(read_file(Path(picture)), f"image {str(picture)!r}")


def readable_formats() -> list[str]:
    """Return the formats that are read here, as Pillow names them."""
    from PIL import Image as pil

    pil.init()
    known = WITH_HEIF if heif_installed() else FORMATS
    return [kind for kind in known if kind in pil.OPEN]  # Pillow may be built without AVIF or JPEG 2000


def is_large(data: bytes) -> bool:
    """Tell from a file's head whether it is a picture of ``LARGE`` pixels or more; one that can't be read is none."""
    from PIL import Image as pil

    try:
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pil.open(io.BytesIO(data), formats=readable_formats()) as image:
                return image.width * image.height >= LARGE
    except pil.DecompressionBombError:
        return False  # refused without being decoded
    except Exception:  # decoders raise whatever they like on damaged files; ``read_picture`` tells what is wrong
        return False


def read_file(path: Path) -> bytes:
    """Return a picture's file.

    Raises:
        UserError: it can't be read, is no regular file, or has more than ``MAX_BYTES``.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode) or not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise UserError(f"image {str(path)!r} is {what}; give an image file")
        if status.st_size > MAX_BYTES:
            raise UserError(
                f"image {str(path)!r} has {status.st_size / 2**20:.0f} MB; give one of at most {MAX_BYTES // 2**20} MB"
            )
        return read_regular(path, MAX_BYTES)
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
    with _LARGE if image.width * image.height >= LARGE else nullcontext():
        return _plain(image, name)


def _plain(image: Image.Image, name: str) -> Image.Image:
    from PIL import ImageOps

    try:
        image.load()
        upright = image.getexif().get(_ORIENTATION, 1)
        if image.width * image.height >= IN_STRIPS and max(image.size) >= 4 * LONGEST_SIDE:
            image = _in_strips(image, max(image.size) // (2 * LONGEST_SIDE))
            image.getexif()[_ORIENTATION] = upright
        image = ImageOps.exif_transpose(image)
        image = _coloured(_eight_bits(image, _span(image)))
        if max(image.size) > LONGEST_SIDE:
            image = _smaller(image)
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise _broken(name, error) from error
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info.clear()  # no camera, place or profile of the person's goes into files of ours
    return image


def _in_strips(image: Image.Image, factor: int) -> Image.Image:
    """Return a picture as RGB or RGBA at a fraction of its size, each pixel the mean of ``factor`` x ``factor``."""
    from PIL import Image as pil

    span, mode = _span(image), "RGBA" if _see_through(image) else "RGB"
    small = pil.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    rows = factor * -(-_ROWS // factor)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        small.paste(_eight_bits(strip, span).convert(mode).reduce(factor), (0, top // factor))
    return small


def _see_through(image: Image.Image) -> bool:
    return "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info


def _coloured(image: Image.Image) -> Image.Image:
    return image.convert("RGBA" if _see_through(image) else "RGB")


def _strips(image: Image.Image) -> Iterator[NDArray[np.float64]]:
    """Yield the values of a grey picture, some rows at a time."""
    for top in range(0, image.height, _ROWS):
        strip = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
        with np.errstate(invalid="ignore"):  # a signalling NaN, of which numpy would warn on the person's terminal
            values = np.asarray(strip, np.float64)
        yield np.nan_to_num(values, posinf=0.0, neginf=0.0)


def _span(image: Image.Image) -> tuple[float, float] | None:
    """Return which values of 16- or 32-bit grey become 0 and 255; ``None`` for other pictures."""
    if not image.mode.startswith(("I", "F")):
        return None
    ends = [(float(values.min()), float(values.max())) for values in _strips(image)]
    low, high = min(0.0, *(end[0] for end in ends)), max(end[1] for end in ends)
    if image.mode != "F" and high <= 65535:
        high = 65535.0
    elif image.mode == "F" and high <= 1:
        high = 1.0
    return low, high


def _eight_bits(image: Image.Image, span: tuple[float, float] | None) -> Image.Image:
    """Scale 16- and 32-bit grey to 0..255; Pillow's ``convert`` would clip everything above 255 to white."""
    from PIL import Image as pil

    if span is None:
        return image
    low, high = span
    scale = 255 / max(high - low, 1e-12)
    grey = [((values - low) * scale).round().astype(np.uint8) for values in _strips(image)]
    return pil.fromarray(np.concatenate(grey), "L")


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
