"""Pictures within a page, as ``data:`` addresses."""

import base64
import io
import mimetypes
from pathlib import Path

THUMBNAIL = 256
"""Pixels on the longer side of a picture among many."""
LOSSLESS = 512
"""Pixels on the longer side up to which a smaller copy is a PNG; a larger one is a JPEG, a tenth of that."""
QUALITY = 90
"""Of the JPEG, 1..95."""


def whole_file(path: str | Path) -> str:
    """Return a picture's file as it is, with the manifest that it may carry.

    Raises:
        OSError: it can't be read.
    """
    path = Path(path)
    return _address(mimetypes.guess_type(path.name)[0] or "image/png", path.read_bytes())


def smaller(path: str | Path, side: int = THUMBNAIL, *, lossy: bool = False) -> str:
    """Return a copy of a picture of at most ``side`` pixels on its longer side, without what its file says besides.

    Args:
        path: its file.
        side: in pixels.
        lossy: as a JPEG in any case, for pages of hundreds.

    Raises:
        OSError: it can't be read.
    """
    from PIL import Image

    from imagerag.store.png import encode_png

    with Image.open(path) as opened:
        opened.thumbnail((side, side))
        if side <= LOSSLESS and not lossy:
            return _address("image/png", encode_png(opened))
        file = io.BytesIO()
        opened.convert("RGB").save(file, "JPEG", quality=QUALITY)
    return _address("image/jpeg", file.getvalue())


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
