"""Where references of the open web lie once they were chosen: they outlive the search that found them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imagerag.errors import InvalidArgument
from imagerag.index.user_libraries import FOUND, WEB
from imagerag.store.files import address_path
from imagerag.store.png import is_whole_png

if TYPE_CHECKING:
    from PIL import Image


def web_file(home: str | Path, sha256: str) -> Path:
    """Return where the PNG of a picture lies below a data directory, or would.

    Raises:
        InvalidArgument: not an address.
    """
    return address_path(Path(home) / WEB / FOUND, sha256)


def web_picture(home: str | Path, sha256: str) -> Image.Image:
    """Return a picture that was chosen once, as RGBA; nothing is asked of anybody.

    Raises:
        InvalidArgument: no such picture was chosen in this data directory.
    """
    from PIL import Image as pil

    file = web_file(home, sha256)
    if not is_whole_png(file):
        raise InvalidArgument(f"{sha256!r} is not the address of a picture from the web")
    return pil.open(file).convert("RGBA")
