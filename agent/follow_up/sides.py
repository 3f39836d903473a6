"""Sides and corners of the picture, in words: "to the left", "up top on the right"."""

from collections.abc import Sequence

from imagerag.agent.follow_up.phrases import phrases

_SIDE_WORDS = frozenset(["side", "half", "corner", "edge", "part", "hand", "area", "end"])
_OF_PICTURE = ("of the picture", "of the image", "of the scene", "of it", "of the frame", "in the picture")
TO = frozenset(["to", "on", "at", "in", "into", "towards"])
_BEFORE_SIDE = TO | {"toward", "the", "a", "bit", "more", "further", "far", "little"}
"""Words before a side of the picture that say no more than it."""
_BEGINS_SIDE = TO | {"up", "down", "higher", "lower", "left", "right"}
"""What the words for a side of the picture begin with."""


_UP = frozenset(["top", "up", "upper", "upwards", "higher", "above"])
_DOWN = frozenset(["bottom", "down", "lower", "downwards", "below"])


def frame_of(words: Sequence[str]) -> str | None:
    """Return the modifier that says where in the picture: of "to the left", "in the top left corner"."""
    text = " ".join(words)
    for tail in _OF_PICTURE:
        text = text.removesuffix(f" {tail}")
    inner = [word for word in text.split() if word not in _BEFORE_SIDE]
    while len(inner) > 1 and inner[-1] in _SIDE_WORDS:
        inner.pop()
    named = phrases().frame.get(" ".join(inner).replace("upper", "top").replace("-", " "))
    return named or _corner([word for said in inner for word in said.split("-") if word not in _SIDE_WORDS])


def _corner(words: Sequence[str]) -> str | None:
    """Return the corner or side that is said by its two words in any order: "up top on the left", "left bottom"."""
    sides = {word for word in words if word in ("left", "right")}
    rows = {"top" if word in _UP else "bottom" for word in words if word in _UP | _DOWN}
    if len(words) < 2 or len(sides) > 1 or len(rows) != 1 or set(words) - sides - _UP - _DOWN:
        return None
    return phrases().frame.get(" ".join([*rows, *sides]))


def frame_cut(words: Sequence[str]) -> int | None:
    """Return where the words for a side of the picture begin, if the words end with such."""
    for at in range(max(len(words) - 9, 0), len(words)):
        if words[at] in _BEGINS_SIDE and frame_of(words[at:]):
            return at
    return None
