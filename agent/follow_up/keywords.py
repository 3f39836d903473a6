"""What else the library's things are called: "the pumpkin" of a jack-o-lantern, "the bird" of an owl."""

from functools import cache, lru_cache

from imagerag.agent.follow_up.phrases import phrases
from imagerag.prompt_grammar.inflection import singular

KINDS = frozenset(
    ["animal", "bird", "fish", "insect", "bug", "flower", "plant", "tree", "fruit", "food", "drink", "boat", "ship",
     "car", "vehicle", "building", "house", "dog", "cat", "ball", "hat", "phone", "clock", "book", "pet", "train",
     "monkey"]
)  # fmt: skip
"""Names of things that are those of kinds as well, by which one of the kind may be called."""


@lru_cache(maxsize=1)
def _kinds() -> dict[str, tuple[frozenset[str], str]]:
    from imagerag.assets.library import bundled_library

    return {
        concept.name: (frozenset([*concept.keywords, *concept.name.split()]), concept.category)
        for concept in bundled_library().concepts
    }


def kind_of(phrase: str) -> tuple[frozenset[str], str]:
    """Return a thing's keywords in the library, its name's words among them, and its category ("" if unknown)."""
    known = _kinds()
    for name in (phrase, singular(phrase), phrase.split()[-1]):
        if name in known:
            return known[name]
    return frozenset(phrase.split()), ""


def is_animate(phrase: str) -> bool:
    """Tell whether somebody may say "he" or "she" of a thing: a person or an animal of the library."""
    keywords, category = kind_of(phrase)
    plants = {"plant", "flower", "tree", "leaf", "weather", "fungus", "vegetable"}
    return category == "people and body" or (category == "animals and nature" and not keywords & plants)


def may_be_called(phrase: str, name: str) -> bool:
    """Tell whether a thing of that phrase may be meant by another name.

    Args:
        phrase: of a thing in the picture: "jack-o-lantern".
        name: in the singular, as typed: "pumpkin".
    """
    known = _kinds()
    if name in phrases().places or not name:
        return False
    if name in known and phrase in known[name][0]:
        return True  # "the television", of a picture with a tv
    own = name not in known and not _is_stem_of_another(name, phrase)
    return (own or name in KINDS) and phrase in known and name in known[phrase][0]


_DERIVED = ("ed", "d", "er", "r", "ing", "man")
"""Endings by which a name is made of another word: "locked" of "lock"."""


@cache
def _is_stem_of_another(name: str, phrase: str) -> bool:
    """Tell whether another thing's name is made of a word: the lock is what is locked, and not the key."""
    made = {f"{name}{ending}" for ending in _DERIVED}
    return any(
        made & set(other.split()) and name in keywords for other, (keywords, _) in _kinds().items() if other != phrase
    )
