"""The size or the aspect ratio that a picture is to have, as people write it: ``1920x1080`` or ``16:9``."""

import re
from dataclasses import dataclass

from imagerag.errors import UserError

SIDES = (16, 4096)
"""Pixels of a side that can be asked for."""
PARTS = (1, 100)
"""What each part of an aspect ratio may be."""

_SIZE = re.compile(r"(\d{1,6})[xX](\d{1,6})")
_ASPECT = re.compile(r"(\d{1,6}):(\d{1,6})")


@dataclass(frozen=True)
class PictureSize:
    """What is asked for.

    Attributes:
        width, height: pixels, or the two parts of an aspect ratio.
        is_exact: whether they are pixels.
    """

    width: int
    height: int
    is_exact: bool = True

    @property
    def ratio(self) -> float:
        """Width by height."""
        return self.width / self.height

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.width}{'x' if self.is_exact else ':'}{self.height}"

    @classmethod
    def size(cls, text: str) -> "PictureSize":
        """Return a size written as ``WIDTHxHEIGHT``.

        Raises:
            UserError: not of that form, or a side outside ``SIDES``.
        """
        other = "; an aspect ratio is said by --aspect, or aspect" if _ASPECT.fullmatch(text.strip()) else ""
        return cls._read(text, _SIZE, SIDES, f"size {text[:40]!r} is not WIDTHxHEIGHT, as in --size 1024x768", other)

    @classmethod
    def aspect(cls, text: str) -> "PictureSize":
        """Return an aspect ratio written as ``WIDTH:HEIGHT``.

        Raises:
            UserError: not of that form, or a part outside ``PARTS``.
        """
        other = "; pixels are said by --size, or size" if _SIZE.fullmatch(text.strip()) else ""
        return cls._read(text, _ASPECT, PARTS, f"aspect {text[:40]!r} is not WIDTH:HEIGHT, as in --aspect 16:9", other)

    @classmethod
    def parse(cls, text: str) -> "PictureSize":
        """Return whichever of the two a text is.

        Raises:
            UserError: it is neither.
        """
        return cls.aspect(text) if ":" in text else cls.size(text)

    @classmethod
    def _read(cls, text: str, form: re.Pattern[str], bounds: tuple[int, int], refusal: str, more: str) -> "PictureSize":
        found = form.fullmatch(text.strip())
        parts = (int(found[1]), int(found[2])) if found else (0, 0)
        low, high = bounds
        if not all(low <= part <= high for part in parts):
            raise UserError(f"{refusal}, each a whole number {low}..{high}{more}")
        return cls(*parts, is_exact=bounds is SIDES)
