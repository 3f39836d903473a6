"""How people wrap a request, put as the plain words that the grammar of changes reads; from ``wording.toml``."""

import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from imagerag.agent.follow_up.phrases import phrases
from imagerag.prompt_grammar.vocabulary import colour_of

MOST_FRAMES = 6
"""Frames around one request that are taken off, one after the other."""
_MARKS = " ,.;:!?"
_INTERJECTIONS = re.compile(
    r"^(?:(?:ok|okay|and|but|so|well|now|then|also|hmm|hm|oh|hey|yes|yeah|great|nice|good|cool|yo|let's|let us)"
    r"(?: ,)? )+"
)


class Wording(NamedTuple):
    """The tables of ``wording.toml``, compiled: how words are spelt, what is left out, and what is put otherwise."""

    spellings: dict[str, str]
    hedges: re.Pattern[str]
    before: re.Pattern[str]
    after: re.Pattern[str]
    frames: tuple[tuple[re.Pattern[str], str], ...]
    anywhere: tuple[tuple[re.Pattern[str], str], ...]


@lru_cache(maxsize=1)
def _wording() -> Wording:
    data = tomllib.loads((Path(__file__).parent / "wording.toml").read_text(encoding="utf-8"))
    fragments = data["fragments"]

    def filled(pattern: str) -> str:
        for _ in range(2):  # fragments may be made of others
            for name, fragment in fragments.items():
                pattern = pattern.replace(f"{{{name}}}", fragment)
        return pattern

    def any_of(patterns: Sequence[str]) -> str:
        return "(?:" + "|".join(map(filled, patterns)) + ")"

    hedges = data["hedges"]
    return Wording(
        data["spellings"],
        re.compile(rf"(?<!\S){any_of(hedges['anywhere'])}(?!\S)"),
        re.compile(rf"{any_of(hedges['before'])}(?:(?!\S)|(?<=\s))\s*"),
        re.compile(rf"[ ,]+{any_of(hedges['after'])}$"),
        tuple((re.compile(filled(rule["pattern"])), rule["plain"]) for rule in data["frames"]),
        tuple((re.compile(rf"(?<!\S){filled(rule['pattern'])}"), rule["plain"]) for rule in data["anywhere"]),
    )


def spellings_of_chats() -> dict[str, str]:
    """Return how chats and notes spell words, each with the word: "u" for "you"."""
    return _wording().spellings


def plainly(words: Sequence[str]) -> list[str]:
    """Return a request without what is wrapped around it, in the plainest words that mean the same.

    Args:
        words: of a request, or of one sentence of it, as ``words_of`` returns them.
    """
    said = _wording()
    whole = " ".join(said.spellings.get(word, word) for word in words)
    text = _trimmed(said.hedges.sub(" ", whole)) or whole
    for pattern, plain in said.anywhere:
        text = pattern.sub(plain, text)
    for _ in range(MOST_FRAMES):
        before = text
        text = " ".join(recoloured(text.split()))
        while (cut := said.before.match(text)) and _trimmed(text[cut.end() :]):
            text = _trimmed(text[cut.end() :])
        while (cut := said.after.search(text)) and _trimmed(text[: cut.start()]):
            text = _trimmed(text[: cut.start()])
        text = _framed(text, said.frames)
        if text == before:
            break
    return _by_gerund(text.split())


def _framed(text: str, frames: Sequence[tuple[re.Pattern[str], str]]) -> str:
    rest = _INTERJECTIONS.sub("", text)
    for pattern, plain in frames:
        found = pattern.match(rest)
        if found and _trimmed(found.expand(plain) + rest[found.end() :]):
            return found.expand(plain) + rest[found.end() :]
    return text


def _by_gerund(words: Sequence[str]) -> list[str]:
    """Return "add a hat" of "adding a hat", which follows "would you mind" and "how about"."""
    first = words[0] if words else ""
    if not first.endswith("ing") or len(words) < 2:
        return list(words)
    stem = first.removesuffix("ing")
    verbs = {verb[0] for kind in ("put", "add", "give", "remove", "replace", "make") for verb in phrases().verbs[kind]}
    verb = next((verb for verb in (stem, stem + "e", stem[:-1]) if verb in verbs and len(verb) > 1), first)
    return [verb, *words[1:]]


def _trimmed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(_MARKS)


def recoloured(words: Sequence[str]) -> list[str]:
    """Return "make the background yellow" of "yellow for the background"; other words as they are."""
    if "for" in words[1:-1]:
        at = list(words).index("for")
        if colour_of(" ".join(words[:at])):
            behind = [word for word in words[at + 1 :] if word != "instead"]
            return ["make", *behind, *words[:at]]
    return list(words)
