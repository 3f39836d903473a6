"""Pictures within a page, as ``data:`` addresses."""

import base64
import io
import mimetypes
from pathlib import Path

from imagerag.regular_files import open_regular, read_regular

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
    return _address(mimetypes.guess_type(path.name)[0] or "image/png", read_regular(path, links=False))


def drawing_file(path: str | Path) -> str:
    """Return a drawing's file as it leaves this machine, see ``imagerag.store.exports.for_others``.

    Raises:
        OSError: it can't be read.
    """
    from imagerag.store.exports import for_others

    return _address("image/png", for_others(read_regular(path, links=False)))


def smaller(path: str | Path, side: int = THUMBNAIL, *, lossy: bool = False) -> str:
    """Return a copy of a picture of at most ``side`` pixels on its longer side.

    Of what its file says besides it carries on by which kind of machine it was made, if the file says that, no more.

    Args:
        path: its file.
        side: in pixels.
        lossy: as a JPEG in any case, for pages of hundreds.

    Raises:
        OSError: it can't be read.
    """
    from PIL import Image

    from imagerag.store import xmp
    from imagerag.store.png import encode_png, with_text

    with open_regular(path, links=False) as whole, Image.open(whole, formats=("PNG", "JPEG", "WEBP")) as opened:
        mark = xmp.mark_of(opened)
        opened.thumbnail((side, side))
        if side <= LOSSLESS and not lossy:
            png = encode_png(opened)
            return _address("image/png", png if mark is None else with_text(png, xmp.KEYWORD, mark.decode()))
        file = io.BytesIO()
        opened.convert("RGB").save(file, "JPEG", quality=QUALITY, **({} if mark is None else {"xmp": mark}))
    return _address("image/jpeg", file.getvalue())


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
