"""The prompts that benchmarks ask for, chosen by hash from the committed split, never by hand."""

import hashlib
from collections.abc import Iterable
from typing import Literal, NamedTuple

from imagerag.assets.library import Library

CONCRETE = ("animals and nature", "food and drink", "travel and places", "activities", "objects")
BASE_SETS = 3
"""Sets that the base set has of a concept it can be trusted to draw."""


class Case(NamedTuple):
    """One prompt and what has to be in the picture.

    Attributes:
        prompt: as a person would type it.
        seed: of the first candidate.
        wanted: the concept in question.
        beside: the known concept of a pair; empty when ``wanted`` stands alone.
    """

    prompt: str
    seed: int
    wanted: str
    beside: str = ""


def known_concepts(library: Library) -> list[str]:
    """Return the concrete concepts that the base set holds in all of its sets, in the order of their hash."""
    held: dict[str, set[str]] = {}
    for entry in library.entries:
        if entry.in_base and entry.category in CONCRETE:
            held.setdefault(entry.concept, set()).add(entry.set)
    return by_hash("known", (name for name, sets in held.items() if len(sets) == BASE_SETS))


def lacking_cases(library: Library, half: Literal["dev", "test"], pairs: bool) -> list[Case]:
    """Return one prompt per lacking concept of that half, alone or beside a known one."""
    beside = known_concepts(library)
    cases = []
    for place, wanted in enumerate(by_hash("lacking", library.lacking(half))):
        other = beside[place] if pairs else ""
        cases.append(_case(wanted, other, half))
    return cases


def known_cases(library: Library, half: Literal["dev", "test"], count: int) -> list[Case]:
    """Return prompts that the base set can draw, every second one a pair; no concept serves twice."""
    names = known_concepts(library)[200:]  # the ones before stand beside lacking concepts
    names = names[::2] if half == "dev" else names[1::2]
    cases: list[Case] = []
    while len(cases) < count:
        wanted = names.pop(0)
        cases.append(_case(wanted, names.pop(0) if len(cases) % 2 else "", half))
    return cases


def by_hash(salt: str, names: Iterable[str]) -> list[str]:
    """Return the names in an order that nobody chose."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{salt}:{name}".encode()).hexdigest())


def _case(wanted: str, beside: str, half: str) -> Case:
    prompt = f"{_article(wanted)} and {_article(beside)}" if beside else _article(wanted)
    seed = int(hashlib.sha256(f"{half}:{prompt}".encode()).hexdigest()[:6], 16)
    return Case(prompt, seed, wanted, beside)


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
