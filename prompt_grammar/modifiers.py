"""Prompt modifiers: the words of a prompt that say how a picture is taken, lit, processed or praised.

The vocabulary is ``modifiers.toml``; its head explains the uses.
"""

import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from imagerag.prompt_grammar.vocabulary import ARTICLES, CONNECTORS, number_of

Use = Literal[
    "clause", "adjective", "measure", "tag", "maker", "medium", "part", "designation", "filler", "head", "movement",
    "noun", "run", "time", "place",
]  # fmt: skip
Reading = Literal["clause", "adjective", "tag", ""]
"""How freely a modifier may stand, see ``modifiers.toml``; empty for what is none."""

LISTED = frozenset(["and", "+", "&", "plus"])
"""Connectors between the items of a list, beside commas."""

MODIFIER_JOINTS = LISTED | frozenset(["", ",", "in", "with", "at", "under", "on", "against"])
"""Connectors behind which a modifier of use ``clause`` stands; behind "holding" or "next to" it is a thing."""

INTRODUCTIONS = frozenset(
    f"{verb} {how}"
    for verb in (
        "shot",
        "taken",
        "captured",
        "photographed",
        "filmed",
        "rendered",
        "made",
        "lit",
        "backlit",
        "illuminated",
        "bathed",
        "drenched",
        "modelled",
        "modeled",
        "sculpted",
        "processed",
        "developed",
        "printed",
    )
    for how in ("on", "with", "in", "by", "using", "through", "from", "at", "during", "via", "as")
) | {"during", "using", "via"}
"""What introduces a modifier in a sentence: "shot on Kodak Portra 400"."""

_MAKING = "art artwork painting painted photo photograph photographed photography directed illustrated illustration"
MAKERS = frozenset([*_MAKING.split(), "designed", "drawn", "shot", "style"])
"""Words before "by" that tell that an artist follows."""

_LONGEST = 12
"""Words of the longest clause that can be a modifier as a whole."""
_LONGEST_TERM = 5
_LIGHTS = frozenset(["light", "lighting", "glow", "rays", "shadows", "sunlight", "moonlight", "sunbeams", "sunrays"])
_SIDES = frozenset(
    ["left", "right", "above", "below", "behind", "side", "sides", "both", "front", "top", "camera", "afar"]
)
_FLASHES = frozenset(["flash", "strobe", "strobes", "speedlight", "speedlite", "softbox", "backlight", "backlighting"])
_FALLS = frozenset(["from", "through", "streaming", "coming", "filtering", "falling", "shining", "pouring", "casting"])
_CORE = frozenset(["clause", "adjective", "measure", "tag", "maker", "medium", "movement"])
_AS_TAG = frozenset(["tag", "maker", "medium", "movement"])
_APART = frozenset(["head", "time", "noun", "run", "place"])
"""Uses of which no clause is composed."""
_BESIDE_GEAR = frozenset(["measure", "maker", "part", "designation", "filler"])
_SHOWING = frozenset(["of", "showing", "depicting", "capturing", "featuring", "portraying", "showcasing"])
_NAMED_SO = re.compile(r"f-?\d+")
"""An aperture, but behind a name the name of a model: "Ferrari F40"."""
_SOUNDLESS = re.compile(r"[\s\-_'\u2018\u2019\u2010-\u2015]")


class Vocabulary(NamedTuple):
    """``modifiers.toml``, ready to be looked up.

    Attributes:
        terms: compact term to its uses.
        patterns: with their use; matched against a whole compact text.
        joined: terms that hold a connector ("black and white"), as tuples of words, by their first word.
        names: names that begin with a colour's word.
    """

    terms: dict[str, frozenset[Use]]
    patterns: tuple[tuple[re.Pattern[str], Use], ...]
    joined: dict[str, tuple[tuple[str, ...], ...]]
    names: frozenset[str]


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Read the vocabulary once per process."""
    data = tomllib.loads((Path(__file__).parent / "modifiers.toml").read_text(encoding="utf-8"))
    terms: dict[str, frozenset[Use]] = {}
    patterns: list[tuple[re.Pattern[str], Use]] = []
    joined: dict[str, list[tuple[str, ...]]] = {}
    for group in data["groups"].values():
        use: Use = group["use"]
        for term in group["terms"]:
            words = tuple(term.split())
            if len(words) > 1 and any(word in CONNECTORS for word in words):
                joined.setdefault(words[0], []).append(words)
            for form in {compact(term), _stem(compact(term))}:
                terms[form] = terms.get(form, frozenset()) | {use}
        patterns += [(re.compile(pattern), use) for pattern in group.get("patterns", ())]
    ordered = {first: tuple(sorted(of_it, key=len, reverse=True)) for first, of_it in joined.items()}
    return Vocabulary(terms, tuple(patterns), ordered, frozenset(data["names"]["terms"]))


def compact(text: str) -> str:
    """Return what all spellings have in common: "closeup" of "close-up" and "close up"."""
    return _SOUNDLESS.sub("", text.lower())


def _stem(text: str) -> str:
    if text.endswith("ies"):
        return text[:-3] + "y"
    if text.endswith(("ses", "xes", "ches", "shes")):
        return text[:-2]
    return text[:-1] if text.endswith("s") and not text.endswith("ss") else text


@lru_cache(maxsize=4096)
def uses(text: str) -> frozenset[Use]:
    """Return the uses of a term, in any spelling, singular or plural; empty for what is none."""
    known = vocabulary()
    form = compact(text)
    if len(form) > 60:
        return frozenset()
    matched = frozenset(use for pattern, use in known.patterns if pattern.fullmatch(form))
    candidates = (form, _stem(form), _stem(_stem(form)))
    return matched | next((known.terms[candidate] for candidate in candidates if candidate in known.terms), frozenset())


def reading(words: Sequence[str]) -> Reading:
    """Return how a clause without articles reads as a modifier: composed of terms and fillers, at least one a term.

    Args:
        words: lower case; a word may hold spaces.
    """
    if not 0 < len(words) <= _LONGEST:
        return ""
    # best[i]: of all ways to compose the first i words, the one with most words in terms, and the uses it needs.
    best: list[tuple[int, frozenset[Use]] | None] = [(0, frozenset())] + [None] * len(words)
    for end in range(1, len(words) + 1):
        for start in range(max(0, end - _LONGEST_TERM), end):
            before = best[start]
            if before is None:
                continue
            for use in sorted(uses(" ".join(words[start:end]))):
                if use in _APART:
                    continue
                way = (before[0] + (end - start if use in _CORE else 0), before[1] | {use})
                held = best[end]
                if held is None or (way[0], -_strictness(way[1])) > (held[0], -_strictness(held[1])):
                    best[end] = way
    found = best[-1]
    if found is None or not found[0]:
        apart = " ".join(words).replace("-", " ").split()
        return reading(apart) if len(apart) > len(words) else ""
    needed = found[1]
    if "part" in needed and not needed & {"tag", "maker", "measure"}:
        return ""
    if "designation" in needed and not needed & {"maker", "measure"}:
        return ""
    if "measure" in needed and needed <= _BESIDE_GEAR:  # a focal length makes it no gift: "with a Sigma 150-600mm"
        return "clause"
    if needed & _AS_TAG:
        return "tag"
    return "adjective" if needed == {"adjective"} else "clause"


def _strictness(needed: frozenset[Use]) -> int:
    return 2 * bool(needed & (_AS_TAG | {"part", "designation"})) + bool(needed - {"adjective"})


def is_headed(words: Sequence[str]) -> bool:
    """Whether a tag of at least two words ends like a kind of picture, light or look: "street photography"."""
    return 2 <= len(words) <= 6 and "head" in uses(words[-1])


def is_gear(words: Sequence[str]) -> bool:
    """Whether all words, none an article, are cameras, lenses or films by name: "Leica M6"."""
    return bool(words) and reading(words) == "tag" and any("maker" in uses(" ".join(words[:k])) for k in (1, 2, 3))


def is_falling_light(words: Sequence[str]) -> bool:
    """Whether the words are a light and where it comes from: "warm afternoon light streaming through windows"."""
    at = next((k for k, word in enumerate(words[:_LONGEST], 1) if word in _LIGHTS), 0)
    return 0 < at < len(words) and words[at] in _FALLS and (at == 1 or bool(reading(words[:at])))


def is_set_light(words: Sequence[str]) -> bool:
    """Whether all words, none an article, are a photographer's light: "off-camera flash", but not "street light"."""
    return len(words) > 1 and words[-1] in _LIGHTS | _FLASHES and bool(reading(words))


def medium_ends(words: Sequence[str]) -> int:
    """Return how many words lie before "of" or "showing" in "85mm close-up of a tiger"; 0 if that is no wrapper."""
    for at, word in enumerate(words[:_LONGEST]):
        if (
            word in _SHOWING
            and 0 < at < len(words) - 1
            and any("medium" in uses(" ".join(words[max(0, at - k) : at])) for k in (1, 2, 3, 4))
        ):
            return at
    return 0


def direction_begins(words: Sequence[str]) -> int:
    """Return how many words stand before where they come from: 1 of "window from the left"; 0 where nobody says."""
    at = next((at for at in range(1, len(words) - 1) if words[at] == "from"), 0)
    said = [word for word in words[at + 1 :] if word not in ARTICLES]
    return at if at and any(word not in ARTICLES for word in words[:at]) and set(said) <= _SIDES else 0


def leading_run(words: Sequence[str]) -> int:
    """Return how many words before an article or number are modifiers: 4 of "masterpiece best quality 8k a heron"."""
    for at, word in enumerate(words[: _LONGEST + 1]):
        if at and (word in ARTICLES or number_of(word)) and at < len(words) - 1 and reading(words[:at]):
            return at
    return 0


def trailing_run(words: Sequence[str]) -> int:
    """Return how many words before modifiers that no comma parts off: 1 of "heron 400mm f/4 shallow depth of field".

    What begins it is a measure or of use ``run``; all words where nothing is.
    """
    first = next((at for at, word in enumerate(words) if word not in ARTICLES), 0) + 1
    for at in range(max(first, len(words) - _LONGEST), len(words)):
        if _NAMED_SO.fullmatch(words[at]) or not reading(words[at:]) or "noun" in uses(words[-1]):
            continue
        if any(uses(" ".join(words[at : at + k])) & {"measure", "run"} for k in range(1, 5)):
            return at if not reading(words[first - 1 : at]) else len(words)
    return len(words)


def stands_as_thing(words: Sequence[str]) -> bool:
    """Whether words behind an article can be a thing although they read as a modifier: "masterpiece", "35mm camera"."""
    return "noun" in uses(words[-1]) or "measure" in uses(" ".join(words))


def names_a_kind(words: Sequence[str]) -> bool:
    """Whether the words begin with a name such as "golden retriever", whose first word is no colour."""
    starts = [" ".join(words[:k]) for k in (2, 3)]
    return any(form in vocabulary().names for start in starts for form in (start, _stem(start)))
