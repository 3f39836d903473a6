"""A negative prompt, taken apart: things that can be looked for in an image, and words that are none."""

from __future__ import annotations

import re
from typing import NamedTuple

from imagerag.prompt_grammar.modifiers import reading
from imagerag.prompt_grammar.prompt_syntax import negative_items

MOST_THINGS = 8
"""Things that are looked for: each takes as long as one that is asked for."""

FLAWS = frozenset(
    (
        "anatomy", "artifacts", "artefacts", "bad", "blur", "blurred", "blurry", "closeup", "cropped", "deformed",
        "deformity", "disconnected", "disfigured", "distorted", "duplicate", "duplicated", "error", "extra", "fused",
        "glitch", "grainy", "gross", "jpeg", "low", "lowres", "lowquality", "malformed", "missing", "morbid", "mutated",
        "mutation", "mutilated", "noise", "noisy", "overexposed", "oversaturated", "pixelated", "poor", "poorly",
        "proportions", "quality", "ugly", "underexposed", "unfocused", "worst",
    )
)  # fmt: skip
"""Words of what is done badly, by which an item names no thing; those that pasted negative prompts are made of."""

_ARTICLE = re.compile(r"^(?:an?|the|any|no|some)\s+", re.IGNORECASE)


class Negatives(NamedTuple):
    """The parts of a negative prompt, in its order.

    Attributes:
        things: of which a critic can tell whether they are there, at most ``MOST_THINGS``.
        others: looks and flaws ("blurry, lowres"), and things beyond those.
    """

    things: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def read_negatives(text: str) -> Negatives:
    """Return the parts of a negative prompt, as users of Stable Diffusion write it: split at commas, weights too."""
    things: dict[str, None] = {}
    others: dict[str, None] = {}
    for item in negative_items(text):
        phrase = _ARTICLE.sub("", " ".join(item.lower().split()))
        if phrase:
            words = phrase.replace("-", " ").split()
            (others if FLAWS.intersection(words) or reading(words) else things)[phrase] = None
    looked_for = list(things)
    return Negatives(tuple(looked_for[:MOST_THINGS]), (*others, *looked_for[MOST_THINGS:]))
