"""A first request that tells of a picture in one sentence: what frames the scene, or is taken back, is left out.

"The hero of my story is a ninja" asks for a ninja, "long ago a knight lived in a castle" for a knight in a castle, and
"burger fries soda" for three things.
"""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

from imagerag.agent.follow_up.keywords import kind_of
from imagerag.agent.follow_up.opening_names import LONGEST_NAME, Vocabulary
from imagerag.agent.follow_up.opening_wording import opening_tables
from imagerag.prompt_grammar.vocabulary import SIZES, colour_of, number_of

_THING = r"(?=(?:an?|the|some|my|our|one|two|three|four|five|six|seven|eight|nine|\d+) )"
"""What begins a noun phrase."""
_OWNER = r"(?:my|our|the|this|his|her|their)"
_PICTURES = ("picture", "drawing", "image", "painting", "photo", "pic")
_SHOWS = r"(?:has|have|had|shows?|contains?|needs?|features?|includes?|should (?:have|show|contain|include))"
_HEROES = (
    r"(?:hero|heroine|star|main character|character|protagonist|main figure|main person|subject|topic|motif|theme)"
)
_ON_IT = re.compile(r" (?:in|on) (?:it|there)$")
_TIMES = r"(?:morning|afternoon|evening|night|day|dawn|dusk|noon|midnight|summer|winter|spring|autumn|week|year|month)"
_TIME = re.compile(
    rf"(?:(?:very )?(?:early|late) (?:(?:in|on) (?:the|an?|one|that) |at |one |that ){_TIMES}"
    r"|(?:(?:many|some|a|several|\d+|hundreds|thousands|millions|billions|hundred|thousand|million|of) )+years ago"
    r"|(?:a )?(?:very )?(?:long|a long time)(?: , long)?(?: time)? ago|once(?: upon a time)?"
    rf"|(?:one|every|each|last|this|that) (?:[a-z]+ )?{_TIMES}|today|yesterday|tonight)(?: ,)? {_THING}"
)
_TAKEN_BACK = re.compile(
    r" [,.!?-]+ (?:(?:um|uh|er|oh|hmm|ah|but|well) (?:, )?)*"
    r"(?:(?:no|wait|actually|never mind|nevermind|nvm|scratch that|forget it|forget that|on second thoughts?|"
    r"i changed my mind|sorry) (?:[,.!-] )*)+"
    rf"(?:(?:make (?:it|that) )?(?:just|only|simply) |make (?:it|that) ){_THING}"
)
_MARKS = frozenset([",", ".", "!", "?", ";", ":"])
LONGEST = 60
"""Words of the longest request that is looked at; a longer one is the description of a scene."""
LEAST_LISTED = 3
"""Bare names that are a list with nothing between them; two of several kinds may be one thing, "a robot dog"."""


@lru_cache(maxsize=1)
def _frames() -> tuple[re.Pattern[str], ...]:
    kinds = "|".join(sorted({*_PICTURES, *opening_tables().headings}))
    picture = rf"(?:[a-z-]+ )?(?P<kind>{kinds})"
    return tuple(
        re.compile(frame)
        for frame in (
            rf"^{_OWNER} {picture} {_SHOWS} {_THING}",
            rf"^in {_OWNER} {picture}(?: ,)? (?:there (?:is|are)|we see|you (?:can )?see|i (?:can )?see) ",
            rf"^{_OWNER} {_HEROES} (?:(?:of|in|for) [a-z' -]+ )?(?:is|are|was|will be|should be) {_THING}",
            rf"(?:^|(?<= ))(?:an?|one|some) {picture} for [a-z' -]+? (?:with|showing|that shows|that has) {_THING}",
        )
    )


def told_plainly(
    words: Sequence[str], names: Collection[str], known: Collection[str], *, talk_only: bool
) -> list[str] | None:
    """Return the words of a first request without what frames the scene; ``None`` where nothing does.

    Args:
        words: of the request.
        names: of the library.
        known: names of things, with those.
        talk_only: whether nothing but talk is left out, so that times and rows of names stay.
    """
    if len(words) > LONGEST:
        return None
    typed = " ".join(words)
    text = _without_frame(_corrected(typed), names)
    if not talk_only:
        text = _without_time(text)
        text = _listed(text, Vocabulary(names, known)) or text
    return text.split() if text != typed else None


def _corrected(text: str) -> str:
    """Return what stands behind the last correction: of "a cat and a dog , no wait , just the cat", the cat."""
    return text[max((found.end() for found in _TAKEN_BACK.finditer(text)), default=0) :]


def _without_frame(text: str, names: Collection[str]) -> str:
    """Leave out that it is a picture, and of what: "my picture has a guitar in it", "the hero of my story is a ninja".

    A picture that the library has stays: "a stamp for a letter".
    """
    body = text.rstrip(" .!")
    for frame in _frames():
        found = frame.search(body)
        if found and found.groupdict().get("kind") not in names:
            return _ON_IT.sub("", body[: found.start()] + body[found.end() :])
    return text


def _without_time(text: str) -> str:
    """Leave out when it was; a night is to be seen: "late at night an owl sat on a branch"."""
    found = _TIME.match(text)
    if not found:
        return text
    body = text[found.end() :]
    return f"{body.rstrip(' .!')} at night" if "night" in found[0] and "night" not in body else body


def _listed(text: str, vocabulary: Vocabulary) -> str:
    """Return "red car , blue car" of "red car blue car": names that nothing parts, where all of them is no name."""
    words = text.rstrip(" .!").split()
    if _MARKS & set(words) or vocabulary.name(words):
        return ""
    items: list[list[str]] = []
    at = 0
    while at < len(words):
        length = _item(words[at:], vocabulary)
        if not length:
            return ""
        items.append(words[at : at + length])
        at += length
    parted = any(_is_look(item[0]) and len(item) > 1 for item in items[1:])
    two = len(items) == 2 and (parted or _of_a_kind(items))
    return " , ".join(map(" ".join, items)) if len(items) >= LEAST_LISTED or two else ""


def _of_a_kind(items: Sequence[Sequence[str]]) -> bool:
    """Tell whether two names are of things of one category: "zebra giraffe", and not "robot dog"."""
    kinds = {kind_of(" ".join(word for word in item if not _is_look(word)))[1] for item in items}
    return len(kinds) == 1 and "" not in kinds


def _item(words: Sequence[str], vocabulary: Vocabulary) -> int:
    """Return how many words a name with its looks takes at the beginning; 0 where none stands there."""
    for looks in range(len(words)):
        for length in range(min(LONGEST_NAME, len(words) - looks), 0, -1):
            named = words[looks : looks + length]
            goes_on = length == 1 and _is_look(named[0]) and looks + 1 < len(words)
            if vocabulary.name(named) and not goes_on:
                return looks + length
        if not _is_look(words[looks]):
            return 0
    return 0


def _is_look(word: str) -> bool:
    return bool(colour_of(word) or number_of(word) or word in SIZES)
