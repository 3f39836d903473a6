"""Checks of packages that an operator installs: what they refuse is neither shown nor drawn with.

An entry point of the group ``imagerag.moderations`` is a function of a picture and of what it is (``fetched`` from the
web or by a mounted tool, or ``drawn``). It returns why the picture may not be shown, or an empty text. Being installed,
it is asked; no setting leaves it out. Whatever else it does, nothing passes unchecked, and nobody waits for it
for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imagerag.errors import UserError
from imagerag.interruptible import run_bounded
from imagerag.plugins import installed, make
from imagerag.told_text import told_text

if TYPE_CHECKING:
    from PIL import Image

Kind = Literal["fetched", "drawn"]
LONGEST = 200
"""Characters of a reason that are told."""
SECONDS = 60.0
"""For which a check is waited for; a classifier on a processor takes a second or two, and some to be loaded."""


def is_moderated() -> bool:
    """Tell whether any check is installed."""
    return bool(installed("moderations"))


def refusal(picture: Image.Image, kind: Kind) -> str:
    """Return why a picture may not be shown, naming the check, or an empty text.

    Raises:
        UserError: a check can't be asked, fails, or says neither: then nothing is shown unchecked.
        BudgetExceeded, Cancelled: the run has ended meanwhile.
    """
    for name in installed("moderations"):
        reason = _asked(name, picture, kind)
        if reason:
            return f"{name}: {' '.join(told_text(reason).split())[:LONGEST]}"
    return ""


def _asked(name: str, picture: Image.Image, kind: Kind) -> str:
    """Return what a check says of a picture; it gets a copy, since ``thumbnail`` and others change what they are given.

    Raises:
        UserError, BudgetExceeded, Cancelled: as ``refusal``.
    """
    package, copied = installed("moderations")[name].package, picture.copy()

    def call() -> object:
        try:
            return make("moderations", name, copied, kind)
        except UserError:
            raise
        except BaseException as error:  # on a thread of its own even a KeyboardInterrupt is the package's
            raise UserError(f"{name!r} of the package {package!r} failed ({type(error).__name__}); mend it") from error

    try:
        said = run_bounded(call, SECONDS)
    except TimeoutError as error:
        raise UserError(f"{name!r} of the package {package!r} gives no answer within {SECONDS:g} s; mend it") from error
    if said is None or isinstance(said, str):
        return said or ""
    raise UserError(f"{name!r} of the package {package!r} returns {type(said).__name__}, no text; mend the package")


def refusal_of_file(data: bytes, kind: Kind) -> str:
    """Return why a picture's file may not be shown, or an empty text; of one that can't be decoded, who reads it tells.

    Raises:
        UserError: as ``refusal``.
    """
    if not is_moderated():
        return ""
    from imagerag.store.picture_decoding import read_picture

    try:
        picture = read_picture(data)
    except UserError:
        return ""
    return refusal(picture, kind)
