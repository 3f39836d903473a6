"""Whether a page is about what was asked for: "Tina and Milo are the mascots of ...", not "... drew the mascots".

It goes by the wording of the sentence that says all that was asked, since what it names becomes a caption: a wrong name
is worse than none.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from imagerag.index.captions import content_words
from imagerag.prompt_grammar.inflection import singular

_BRACKETS = re.compile(r"\s*\([^()]*\)")
_SENTENCE = re.compile(r"(?<=[^.\s][a-z\d\"')])\.\s+(?=[A-Z])|;\s")
_WORD = re.compile(r"[\w'\u2019.-]*\w")
_POSSESSIVE = re.compile(r"['\u2019]s\b")
_PLACES = ("of", "for", "in", "at")
MOST_BESIDE = 4
"""Words between a role and its preposition, of another role with the same."""
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
_NOW = ("is", "are", "has been", "have been", "has served as", "serves as")
_ONCE = ("was", "were", "served as", "had been")
_HEDGES = (
    "also", "now", "still", "currently", "officially", "widely", "often", "generally", "commonly", "considered",
    "regarded as", "known as", "called", "recognized as", "recognised as", "one of the", "one of its", "best known as",
    "who is", "who are", "that is", "which is", "who has been", "who has served as",
)  # fmt: skip
"""What may stand between a verb and what somebody or something is."""
_HEDGES_ONCE = ("who was", "who were", "that was", "which was", "who served as")
_HEDGED = {
    once: rf"\b(?:{'|'.join(sorted((*_HEDGES, *(_HEDGES_ONCE if once else ())), key=len, reverse=True))})\s+"
    for once in (False, True)
}
_LASTING = frozenset({
    "author", "writer", "composer", "director", "designer", "creator", "architect", "sculptor", "discoverer",
    "founder", "inventor",
})  # fmt: skip
"""Roles in what was done, which are nobody else's later."""
_TURNS = frozenset({
    "by", "for", "with", "after", "before", "who", "which", "that", "whose", "from", "to", "in", "on", "at",
    "under", "against", "about", "whom", "where", "when", "while", "than", "as", "of", "not", "into", "over",
    "between", "until", "known",
})  # fmt: skip
"""Words after which a noun is another's: "designer of the mascots", "who drew the mascot"."""
_LESS = frozenset({
    "former", "unofficial", "vice", "deputy", "acting", "proposed", "rejected", "future", "past", "fictional",
    "false", "original", "assistant", "co-founder", "honorary", "would-be", "possible", "unsuccessful", "shadow",
})  # fmt: skip
"""Words before a role that make another one of it."""
_SUBJECTS = frozenset({"it", "they", "he", "she", "this", "these"})


class _Role(NamedTuple):
    """What somebody or something is asked to be.

    Attributes:
        head: the last word before a preposition, such as ``mascot``.
        every: all words that mean something.
        may_be_over: whether it counts as well where it was so once: a year was asked for, or what was done stays.
    """

    head: str
    every: frozenset[str]
    may_be_over: bool


def stems(text: str) -> frozenset[str]:
    """Return the words of a text that mean something, in the singular and without an ``'s``."""
    return frozenset(singular(word) for word in content_words(_POSSESSIVE.sub("", text)))


def is_said_to_be(title: str, text: str, asked: str) -> bool:
    """Tell whether a page says that what it is about is what was asked for.

    It does in one sentence with the page's title, or a word such as "it", before the verb: the asked role stands behind
    that alone ("is the official mascot of ..."), with all other words of what was asked before the next comma; neither
    as another's ("is the designer of the mascot of ..."), nor as one that is over, where no year was asked for.

    Args:
        title: of the page.
        text: its beginning, or what it is described as ("mascot of ...").
        asked: such as ``the mascot of the 2026 Winter Olympics``.
    """
    role = _role(asked)
    plain, before = _BRACKETS.sub("", text), text
    while plain != before:  # brackets in brackets
        plain, before = _BRACKETS.sub("", plain), plain
    sentences = _SENTENCE.split(plain)
    return any(
        role.every <= stems(sentence) and _holds(_predicate(title, sentence, role, number == 0), role)
        for number, sentence in enumerate(sentences)
    )


def _role(asked: str) -> _Role:
    before = re.split(r"\b(?:of|for)\b", asked, maxsplit=1)[0]
    words = [singular(word) for word in content_words(before)] or [singular(word) for word in content_words(asked)]
    head = words[-1] if words else ""
    return _Role(head, stems(asked), bool(_YEAR.search(asked)) or head in _LASTING)


def _predicate(title: str, sentence: str, role: _Role, is_first: bool) -> str:
    """Return what a sentence says that its page is; the whole of a description, which has no verb; else nothing."""
    found = re.search(rf"\b(?:{'|'.join((*_NOW, *_ONCE))})\b", sentence)
    if found is None:
        return sentence if is_first else ""
    if found[0] in _ONCE and not role.may_be_over:
        return ""
    subject = sentence[: found.start()]
    is_it = {word.lower() for word in _WORD.findall(subject)} & _SUBJECTS
    return sentence[found.end() :] if is_it or stems(subject) & stems(title) else ""


def _holds(said: str, role: _Role) -> bool:
    """Tell whether a predicate is the asked role with all that belongs to it, or has it in apposition."""
    for part in said.split(","):
        pieces = re.split(_HEDGED[role.may_be_over], part)
        if any(_is_role(piece, " ".join(pieces[at:]), role) for at, piece in enumerate(pieces)):
            return True
        if any(word.lower() in _TURNS for piece in pieces for word in _WORD.findall(piece)):
            return False  # what follows may be about whomever that names
    return False


def _is_role(piece: str, rest: str, role: _Role) -> bool:
    """Tell whether a piece is a role, with what it is a role in before it or behind a preposition: no clause."""
    words = [word.lower() for word in _WORD.findall(_POSSESSIVE.sub("", piece))]
    at = next((at for at, word in enumerate(words) if singular(word) == role.head), None)
    if at is None or set(words[:at]) & ((_TURNS | _LESS) - role.every):
        return False
    if role.every <= stems(" ".join(words[: at + 1])):
        return True
    behind = words[at + 1 : at + 2 + MOST_BESIDE]
    place = next((place for place, word in enumerate(behind) if word in _PLACES), None)
    beside = behind[:place]  # "the capital and largest city of"
    if place is None or (beside and (beside[0] != "and" or set(beside) & _TURNS)):
        return False
    return role.every <= stems(rest)
