"""Which words of a sentence wish for a picture, and what is wished for."""

from collections.abc import Sequence
from typing import NamedTuple

from imagerag.agent.follow_up.opening_items import Item
from imagerag.agent.follow_up.opening_names import Vocabulary
from imagerag.agent.follow_up.opening_scene import OpeningScene
from imagerag.agent.follow_up.opening_wording import LEADS, ONE, REASONS, TALKERS, opening_tables
from imagerag.prompt_grammar.vocabulary import ARTICLES, number_of

_NOT_NAMES = frozenset(["draw", "make", "create", "generate", "me", "us", "please", "illustrate"])
"""What a wish may end with before a thing without an article; "paint brush" is a name."""


class Wish(NamedTuple):
    """What a sentence wishes for.

    Attributes:
        wanted: the words of it.
        before: those that stand before the wish.
        at: whether the wish stands before what is wanted.
    """

    wanted: list[str]
    before: list[str]
    at: bool


_ASKS = frozenset(["i", "we", "i'd", "i'm", "we'd", "we're", "could", "may", "can", "might", "would"])


def _goes_before_things(frame: Sequence[str], behind: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Tell whether the words of a wish may stand before what follows: "show a kitten", and not "show jumping"."""
    if not behind or (len(frame) > 1 and frame[-1] != "up"):
        return True
    first = behind[0]
    verb = frame[-1]
    joint = {f"{verb}{first}", f"{verb} {first}"} & set(vocabulary.names)
    if verb in ("bring", "show", "get") and vocabulary.name([first]) and not joint:
        return True
    return frame[-1] in _NOT_NAMES or first in ARTICLES or bool(number_of(first)) or first in (",", ":", *ONE)


def wish_of(sentence: Sequence[str], vocabulary: Vocabulary, talk_only: bool = False) -> Wish | None:
    """Return what a sentence wishes for; ``None`` where it wishes for nothing."""
    asks = [at for at, word in enumerate(sentence) if at and word in _ASKS and sentence[0] in REASONS]
    begins = [
        0,
        *asks,
        *(at + 1 for at, word in enumerate(sentence) if word in (",", ":", "so", "but", "and", "which", "then")),
    ]
    for at in begins:
        rest = list(sentence[at:])
        while rest and rest[0] in LEADS - {"just", "only", "do"}:
            rest, at = rest[1:], at + 1
        if not rest or (at and sentence[at - 1] == "and" and rest[0] not in (*TALKERS, "i'd", "we'd", "could", "may")):
            continue
        text = " ".join(rest)
        if at and sentence[at - 1] == "so" and (rest[0] in ("a", "an") or number_of(rest[0])):
            item = Item(OpeningScene(), rest, vocabulary, guesses=True)
            if item.read() and (item.done or rest[item.at] == "please"):  # "dad loves fishing, so a boat please"
                return Wish(rest, list(sentence[:at]), at=True)
        for pattern in opening_tables().before:
            found = pattern.match(text)
            if (
                found
                and found.end()
                and _goes_before_things(text[: found.end()].split(), text[found.end() :].split(), vocabulary)
            ):
                behind = text[found.end() :].strip(" ,:")
                if behind.startswith("to "):
                    continue  # "my son wants to be an astronaut"
                if not talk_only:
                    behind = opening_tables().picture.sub("", behind, count=1)
                return Wish(behind.split(), list(sentence[:at]), at=True)
    for at, guesses in [*((at, False) for at in begins), *((at, True) for at in reversed(begins))]:
        rest = list(sentence[at:])
        while rest and rest[0] in LEADS | {"is", "are", "would", "could", "might"}:
            rest, at = rest[1:], at + 1
        for end in range(1, len(rest)):
            if opening_tables().behind.fullmatch(" ".join(rest[end:])) is None:
                continue
            wanted = rest[:end]
            while wanted and wanted[-1] == ",":
                wanted = wanted[:-1]
            if not wanted or opening_tables().whom.fullmatch(" ".join(wanted)):
                continue
            item = Item(OpeningScene(), wanted, vocabulary, guesses=guesses and (at == 0 or wanted[0] in ARTICLES))
            if (
                item.read()
                and item.done
                and set(sentence) & (opening_tables().talk | {"please", "what", "order", "needed"})
            ):
                return Wish(wanted, list(sentence[:at]), at=False)
    return None
