"""Pictures inside the terminal, for those terminals that can: the protocols of kitty and iTerm2, and sixel."""

import base64
import os
from collections.abc import Iterator, Mapping
from typing import Literal

from PIL import Image

from imagerag.store.png import encode_png

Protocol = Literal["kitty", "iterm2", "sixel", "none"]
PROTOCOLS: tuple[Protocol, ...] = ("kitty", "iterm2", "sixel", "none")

CHUNK = 4096
"""Bytes of base64 in one kitty escape, as its protocol limits them."""
SIDE = 256
"""Pixels of a picture's longer side."""
COLOURS = 256
"""Sixel registers that terminals have at least (the VT340 had 16; every one in use today has 256)."""


def detected(environ: Mapping[str, str] | None = None) -> Protocol:
    """Return what this terminal understands, by the variables it sets. Sixel has none: only known names count."""
    environ = os.environ if environ is None else environ
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if environ.get("TMUX") or term.startswith(("screen", "tmux")):
        return "none"  # multiplexers swallow these escapes
    if environ.get("KITTY_WINDOW_ID") or "kitty" in term or program == "ghostty" or "ghostty" in term:
        return "kitty"
    if program in ("iTerm.app", "WezTerm") or environ.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    if term.startswith(("foot", "mlterm", "contour")) or "sixel" in term:
        return "sixel"
    return "none"


def escape(image: Image.Image, protocol: Protocol) -> str:
    """Return what to write to the terminal to show an image; empty for ``none``."""
    small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    match protocol:
        case "kitty":
            return "".join(_kitty(small))
        case "iterm2":
            data = encode_png(small)
            about = f"inline=1;size={len(data)};width={small.width}px;height={small.height}px"
            return f"\x1b]1337;File={about}:{base64.b64encode(data).decode('ascii')}\a"
        case "sixel":
            return "".join(_sixel(small))
        case "none":
            return ""


def _kitty(image: Image.Image) -> Iterator[str]:
    """Yield the chunks: a=T transmits and shows, f=100 is PNG, m=1 says that more follows, q=2 wants no answer."""
    data = base64.b64encode(encode_png(image)).decode("ascii")
    for start in range(0, len(data), CHUNK):
        more = int(start + CHUNK < len(data))
        head = "a=T,f=100,q=2," if start == 0 else ""
        yield f"\x1b_G{head}m={more};{data[start : start + CHUNK]}\x1b\\"


def _sixel(image: Image.Image) -> Iterator[str]:
    """Yield the sixels, band by band of six rows, one pass for each colour in it (DEC STD 070, chapter 9)."""
    import numpy as np

    paletted = image.quantize(COLOURS)
    pixels = np.asarray(paletted)
    palette = paletted.getpalette() or []
    yield f'\x1bP0;1q"1;1;{image.width};{image.height}'
    for colour in np.unique(pixels):
        red, green, blue = (round(value * 100 / 255) for value in palette[3 * colour : 3 * colour + 3])
        yield f"#{colour};2;{red};{green};{blue}"
    for top in range(0, image.height, 6):
        band = pixels[top : top + 6]
        weights = 1 << np.arange(len(band))
        for colour in np.unique(band):
            bits = ((band == colour) * weights[:, None]).sum(axis=0)
            yield f"#{colour}" + "".join(_runs(bits.tolist())) + "$"
        yield "-"
    yield "\x1b\\"


def _runs(bits: list[int]) -> Iterator[str]:
    start = 0
    for end in range(1, len(bits) + 1):
        if end == len(bits) or bits[end] != bits[start]:
            letter, count = chr(63 + bits[start]), end - start
            yield f"!{count}{letter}" if count > 3 else letter * count
            start = end
