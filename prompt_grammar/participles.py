"""Participles behind a thing: how it is there ("a bicycle leaning against a wall"), which is no part of its name."""

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from imagerag.prompt_grammar.modifiers import uses
from imagerag.prompt_grammar.vocabulary import ARTICLES, POSTURES

_LONGEST = 24
"""Letters of the longest word that is looked at."""


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    data = tomllib.loads((Path(__file__).parent / "participles.toml").read_text(encoding="utf-8"))
    return {name: frozenset(words) for name, words in data.items()}


def is_participle(word: str) -> bool:
    """Tell whether a word in lower case, or the last part of a compound of hyphens, is a participle and no thing."""
    if len(word) > _LONGEST:
        return False
    last = word.rpartition("-")[2]
    if last in POSTURES or last in _lists()["irregular"]:
        return True
    stem = last.removesuffix("ing") if last.endswith("ing") else last.removesuffix("ed")
    # A stem without a vowel makes no verb: "ring", "shed".
    verb = stem != last and any(letter in "aeiouy" for letter in stem)
    return verb and last not in _lists()["nouns"] and uses(word) <= {"filler"}


def thing_ends(words: Sequence[str]) -> int:
    """Return how many words are left without the participle behind them: 1 of "cat curled up", all where none is.

    Adverbs and particles beside it go with it: "old boats gently rocking", "cans neatly stacked up".
    """
    end = len(words)
    while end > 1 and (words[end - 1] in _lists()["particles"] or is_adverb(words[end - 1])):
        end -= 1
    if not end or not is_participle(words[end - 1]):
        return len(words)
    end -= 1
    while end and is_adverb(words[end - 1]):
        end -= 1
    # Behind these stands a noun: "the landing", "a portrait of Ahmed".
    return len(words) if end and (words[end - 1] in ARTICLES or words[end - 1] == "of") else end


def is_particle(word: str) -> bool:
    """Tell whether a word is what verbs take along: "up" of "curled up"."""
    return word in _lists()["particles"]


def is_adverb(word: str) -> bool:
    """Tell whether a word in lower case says how something is done."""
    return 4 < len(word) <= _LONGEST and word.endswith("ly") and word not in _lists()["no_adverbs"]
