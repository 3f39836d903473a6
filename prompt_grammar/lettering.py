"""What of a prompt is to be written in the picture: 'a card with "Happy birthday, Jane" on it'."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{1,300})[\"”“»]|(?<!\w)['\u2018]([^'\u2018\u2019]{2,300})['\u2019](?!\w)")
_SAYS = re.compile(
    r"\b(?:says?|said|saying|reads?|reading|text|words?|letters?|lettering|inscription|captions?|captioned|label(?:l)?ed|"
    r"written|writing|spelling|spells?|spelled|slogan|message|sign|banner|headline)\W*$",
    re.IGNORECASE,
)
"""Before what is quoted. Not "called" or "titled": what is named so is looked up by its name."""
_WITH = re.compile(r"\b(?:with|has|have|having)\W*$", re.IGNORECASE)
_ON_IT = re.compile(r"\W*\b(?:on|across|over|above|below|beneath|written|printed|painted|in)\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")


def is_lettering(concept: str, prompt: str) -> bool:
    """Tell whether a prompt has the words of a concept in quotes alone, as what is to be written.

    Args:
        concept: as the prompt names it, without its quotation marks.
        prompt: where it comes from.
    """
    wanted = _plain(concept)
    written: list[str] = []
    rest: list[str] = []
    at = 0
    for found in _QUOTED.finditer(prompt):
        before, after = prompt[at : found.start()], prompt[found.end() :]
        is_written = _SAYS.search(before) or (_WITH.search(before) and _ON_IT.match(after))
        rest.append(before)
        (written if is_written else rest).append(found[1] or found[2])
        at = found.end()
    rest.append(prompt[at:])
    return bool(wanted) and _has(written, wanted) and not _has(rest, wanted)


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _has(texts: list[str], wanted: str) -> bool:
    return any(f" {wanted} " in f" {_plain(text)} " for text in texts)
