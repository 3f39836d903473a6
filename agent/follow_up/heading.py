"""Which way a thing faces: understood, and not drawn, since no pictogram is drawn mirrored or turned."""

import re
from collections.abc import Sequence

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import CannotChange

_SIDE = r"(?:left|right|up|down|sideways|backwards?|forwards?|away|front|back|north|south|east|west)"
_WAY = (
    rf"(?:(?:(?:more |a bit |slightly )?(?:to|towards?|at|into) )?(?:the |its |his |her |their |my |your )?{_SIDE}"
    r"(?:wards?)?(?: side| hand side)?"
    r"|(?:in |into |to )?the (?:other|opposite) (?:way|direction|side)"
    r"|(?:towards?|at) (?:the |a |an |its |his |her )?[\w-]+(?: other| another)?"
    r"|(?:me|us|each other|the camera|the viewer)"
    r"|(?:by )?(?:\d+|ninety|forty-five|a hundred and eighty) degrees(?: .*)?|upside down)"
)
_FACES = r"(?:face|facing|look|looking|point|pointing|gaze|gazing|head|heading|be turned|turned)"
_TURNED = re.compile(
    rf"(?:(?:turn|rotate|spin|twist|point|aim|tilt|face) (?P<turned>.+?) (?:so (?:that )?)?(?:to face |facing )?{_WAY}"
    r"|(?:mirror|rotate) (?P<mirrored>.+?)(?: horizontally| vertically)?"
    r"|flip (?P<flipped>.+?) (?:horizontally|vertically|upside down)"
    r"|(?:(?:make|let|have|get) )?(?P<facing>.+?) "
    r"(?:(?:should|must|can|could|shall|needs to|has to|ought to|is to|to) )?"
    rf"(?:be )?{_FACES} {_WAY}(?: instead)?)"
)


def refuse_turning(edit: Edit, words: Sequence[str]) -> None:
    """Say of "turn the dog to the left" that it can't be drawn: read as a place, it would move the dog.

    Args:
        edit: of the picture.
        words: of a request or a sentence, without what is said around it.

    Raises:
        CannotChange: they ask that something of the picture face another way.
    """
    found = _TURNED.fullmatch(" ".join(words))
    named = next((text for text in found.groups() if text), "").split() if found else []
    while named and named[0] in ("so", "that", "and"):
        named = named[1:]
    there = edit.find(named) if named else None
    if there is None:
        return
    phrase = there.items[there.places[0]].thing.phrase
    text = " ".join(named)
    what = phrase if text in phrases().it | phrases().them | phrases().whole else text.removeprefix("the ")
    raise CannotChange(
        f"which way the {what} faces can't be changed here, only where it stands; say, for example, "
        f'"put the {phrase} on the left"'
    )
