"""One noun phrase: what is to be seen, how many, in which colour and size."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from imagerag.prompt_grammar.finite import may_be_verb
from imagerag.prompt_grammar.inflection import plural, singular
from imagerag.prompt_grammar.modifiers import names_a_kind
from imagerag.prompt_grammar.vocabulary import (
    ARTICLES,
    GROUPS,
    HOLDERS,
    NUMBERS,
    PAIRS,
    PARTS,
    SIZES,
    Size,
    colour_of,
    dozens_of,
    number_of,
)

_SOUNDS_LIKE_A_VOWEL = re.compile(r"[aeiou]|hour|honest|honou?r|heir|8|1[18](?!\d)|x-?ray|[fhlmnrsx]-|$")
_SOUNDS_LIKE_A_CONSONANT = re.compile(
    r"uni(?!n)|us[ae]|ut[aeio]|u[bcfhjkqrst][aeiou]|eu|ewe|one(?![a-z])|once|ouija|u-"
)

MAX_INSTANCES = 9
"""How many things one scene holds, counts included; more are named in ``Scene.dropped``. Smaller ones than those of
three rows of three can't be told by a critic that looks at windows of two fifths of a picture."""

LONGEST_NAME = 9
"""Words of the longest known name that is looked for."""


@dataclass(frozen=True)
class SceneObject:
    """One noun phrase.

    Attributes:
        phrase: without article, colour, size and count; lower case.
        count: 1..MAX_INSTANCES.
        colour: a key of ``COLOURS``, or None.
        size: small, normal or large.
    """

    phrase: str
    count: int = 1
    colour: str | None = None
    size: Size = "normal"


def fits(things: Sequence[SceneObject]) -> bool:
    """Tell whether one scene holds all of these."""
    return sum(thing.count for thing in things) <= MAX_INSTANCES


def parse_object(words: list[str], names: Collection[str]) -> SceneObject:
    """Read article, count, size and colour off the front; a known name, or the last word, is never taken apart.

    Of "a slice of pizza" the pizza is the thing, where the slice has no picture of its own.
    """
    at, last = 0, len(words) - 1
    count, exact, counted, paired = 1, False, False, False
    size: Size = "normal"
    colour: str | None = None
    while at < last and (last - at >= LONGEST_NAME or " ".join(words[at:]) not in names):
        word = words[at]
        if names_a_kind(words[at : at + 3]):
            break
        pair = colour_of(" ".join(words[at : at + 2])) if at < last - 1 else None
        dozens, said = dozens_of(words[at:last])
        if dozens:
            count, counted, exact = dozens, True, False
            at += said - 1 + (words[at + said] == "of" and at + said < last)
        elif word in ARTICLES:
            counted = True
        elif number := number_of(word):
            count, counted, exact = number, True, word[0].isdigit() and word.endswith("x")
        elif word in ("pair", "pairs", "couple") and words[at + 1] == "of" and at < last - 1:
            count, counted, at = 2 * count, True, at + 1
            paired = word != "couple"
        elif words[at + 1] == "of" and _is_measure(word, words[at + 2 :], names):
            counted, at = count > 1, at + 1
        elif word in SIZES:
            size = SIZES[word]
        elif pair:
            colour, at = pair, at + 1
        elif single := colour_of(word):
            colour = single
        else:
            break
        at += 1
    phrase = " ".join(words[at:])
    single_form = singular(phrase)
    if paired and {phrase.split(" ")[-1], plural(phrase).split(" ")[-1]} & PAIRS:
        count //= 2
    if count > 1 and not exact:
        phrase = single_form if single_form in names or phrase not in names else phrase
    elif not counted and phrase not in names and single_form in names:
        phrase, count = single_form, 2
    return SceneObject(phrase, count, colour, size)


def _is_measure(word: str, behind: Sequence[str], names: Collection[str]) -> bool:
    """Tell whether a word before "of" only says how much of what is behind it there is, or in what it comes."""
    measure = singular(word)
    if not behind or measure in PARTS:
        return bool(behind)
    if measure not in GROUPS and (measure not in HOLDERS or measure in names):
        return False
    ends = (" ".join(behind[at:]) for at in range(max(0, len(behind) - LONGEST_NAME), len(behind)))
    return any(end in names or singular(end) in names for end in ends)


def describe_object(thing: SceneObject) -> str:
    size = "" if thing.size == "normal" else thing.size
    inner = [word for word in (size, thing.colour or "") if word]
    if thing.count == 1:
        words = " ".join([*inner, thing.phrase])
        if " " in words and may_be_verb(words.rpartition(" ")[2]):
            return words
        return f"{article(words)} {words}"
    many = plural(thing.phrase)
    if singular(many) != thing.phrase:
        return " ".join([f"{thing.count}x", *inner, thing.phrase])
    return " ".join([NUMBERS[thing.count] if thing.count < 11 else str(thing.count), *inner, many])


def article(words: str) -> str:
    """Return "a" or "an", by how the first word sounds: "an hour", "a unicorn", "an 8-ball"."""
    first = words.partition(" ")[0].lower()
    if _SOUNDS_LIKE_A_CONSONANT.match(first):
        return "a"
    return "an" if _SOUNDS_LIKE_A_VOWEL.match(first) else "a"
