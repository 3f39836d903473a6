"""Singular and plural of English noun phrases."""

import re
from collections.abc import Mapping

_IRREGULAR = {
    "mice": "mouse",
    "dormice": "dormouse",
    "geese": "goose",
    "men": "man",
    "women": "woman",
    "children": "child",
    "grandchildren": "grandchild",
    "people": "person",
    "feet": "foot",
    "teeth": "tooth",
    "sheep": "sheep",
    "fish": "fish",
    "deer": "deer",
    "octopuses": "octopus",
    "buses": "bus",
    "cacti": "cactus",
    "octopi": "octopus",
    "oases": "oasis",
    "lives": "life",
    "dice": "die",
    "oxen": "ox",
    "axes": "axe",
    "lenses": "lens",
    "quizzes": "quiz",
    "clauses": "claus",
    "rhinoceroses": "rhinoceros",
    "lacrosses": "lacrosse",
}
_PLURALS = {singular: plural for plural, singular in reversed(_IRREGULAR.items())}
_IN_VES = {
    **{"wolves": "wolf", "knives": "knife", "leaves": "leaf", "loaves": "loaf", "scarves": "scarf", "elves": "elf"},
    **{"calves": "calf", "halves": "half", "hooves": "hoof", "wives": "wife", "thieves": "thief", "sheaves": "sheaf"},
    **{"dwarves": "dwarf", "wharves": "wharf"},
}
_OF_VES = {singular: plural for plural, singular in _IN_VES.items()}
"""Plurals in "ves" of words in "f", and of those that end in them: shelves, werewolves; not olives and gloves."""
_IN_IE = frozenset(
    (
        "beanies", "birdies", "brownies", "budgies", "cassies", "collies", "cookies", "faeries", "genies", "hippies",
        "hoodies", "magpies", "movies", "pixies", "prairies", "kylies", "rookies", "selfies", "smoothies",
        "sweeties", "ties", "neckties", "bowties", "veggies", "zombies",
    )
)  # fmt: skip
"""Plurals of words in "ie", which others in "ies" are not."""
_IN_CHE = frozenset(
    ("attaches", "avalanches", "brioches", "caches", "headaches", "moustaches", "mustaches", "quiches", "toothaches")
)
"""Plurals of words in "che"; churches are of one in "ch"."""
_IN_OE = frozenset(("aloes", "canoes", "floes", "foes", "hoes", "mistletoes", "oboes", "roes", "tiptoes", "toes"))
"""Plurals of words in "oe", beside shoes of any kind; potatoes are of one in "o"."""
_O_IN_OES = frozenset(
    ("buffalo", "domino", "echo", "hero", "mango", "mosquito", "potato", "tomato", "tornado", "torpedo", "volcano")
)
_NO_MEN = ("human", "german", "roman", "talisman", "shaman", "cayman", "caiman", "ottoman", "norman")
"""Words in "man" whose plural is none in "men"."""
_MEN_OF_NONE = frozenset(("abdomen", "cyclamen", "regimen", "specimen", "stamen"))
"""Words in "men" that are no plurals."""
_SINGULARS = frozenset(
    (
        # in "is", which else are of words in "i": taxis
        "acropolis", "axis", "basis", "bourgeois", "cannabis", "chassis", "clematis", "crisis", "dais", "debris",
        "elvis", "fleur-de-lis", "his", "ibis", "iris", "kris", "lis", "louis", "mantis", "marquis", "memphis",
        "metropolis", "oasis", "paris", "pelvis", "penis", "portcullis", "sis", "tennis", "this", "thesis", "trellis",
        # in another vowel or a consonant and "s"
        "aries", "asbestos", "atlas", "bias", "canvas", "chaos", "christmas", "cosmos", "gas", "lens", "mars",
        "pancreas", "pisces", "rhinoceros", "series", "species", "texas", "thermos",
    )
)  # fmt: skip
"""Words in "s" that are no plurals, beside those in "ss" and "us"."""
_IN_U = frozenset(("babus", "bayous", "caribous", "emus", "gnus", "gurus", "lulus", "menus", "tutus"))
"""Plurals of words in "u", beside those in "eau"; others in "us" are none."""
_LATIN = re.compile(r"(?:[bcdghiklmnprt]us|ypus)es$")
"""Plurals of words in "us": walruses, cactuses; not houses, causes or fuses."""
_SIBILANT = ("sses", "shes", "ches", "xes", "zzes", "tzes")


def _head(phrase: str) -> tuple[str, str, str]:
    """Split a phrase around the word that takes the plural: "cup" of "cup of tea", else the last."""
    match = re.search(r" (?:of|with|in|on|and) ", phrase)
    start, tail = (phrase[: match.start()], phrase[match.start() :]) if match else (phrase, "")
    left, space, word = start.rpartition(" ")
    return left + space, word, tail


def singular(phrase: str) -> str:
    """Return a noun phrase in the singular: "cup of tea" of "cups of tea"."""
    before, word, after = _head(phrase)
    return before + _one(word) + after


def _one(word: str) -> str:
    """Return a word in the singular, which it may be in already."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 5 and word.endswith("men"):  # snowmen, firewomen
        return word if word in _MEN_OF_NONE else f"{word[:-2]}an"
    if not word.endswith("s") or word in _SINGULARS or len(word) < 3:
        return word
    if word.endswith("us"):
        return word[:-1] if word in _IN_U or word.endswith("eaus") else word
    if word.endswith("ves") and (ending := _ending(word, _IN_VES)):
        return word.removesuffix(ending) + _IN_VES[ending]
    if word.endswith("ies") and len(word) > 4:
        return word[:-1] if word.rpartition("-")[2] in _IN_IE else f"{word[:-3]}y"
    if word[:-2] in _SINGULARS or _LATIN.search(word):  # irises, walruses
        return word[:-2]
    if word.endswith("oes"):
        return word[:-1] if word in _IN_OE or word.endswith("shoes") else word[:-2]
    if word.endswith(_SIBILANT):
        return word[:-1] if word in _IN_CHE else word[:-2]
    return word if word.endswith("ss") else word[:-1]


def plural(phrase: str) -> str:
    """Return a noun phrase in the plural: "cups of tea" of "cup of tea". What is one already stays: "sunglasses"."""
    before, word, after = _head(phrase)
    return before + _many(word) + after


def _many(word: str) -> str:
    """Return a word in the plural, which it may be in already."""
    if word in _PLURALS:
        return _PLURALS[word]
    if word in _IRREGULAR or (word.endswith("s") and _one(word) != word):
        return word
    if ending := _ending(word, _OF_VES):
        return word.removesuffix(ending) + _OF_VES[ending]
    if word.endswith("man") and not word.endswith(_NO_MEN):
        return f"{word[:-2]}en"
    if len(word) > 2 and word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return word + ("es" if word.endswith(("s", "sh", "ch", "x", "z")) or word in _O_IN_OES else "s")


def _ending(word: str, endings: Mapping[str, str]) -> str:
    """Return the one of these that a word ends in; empty if there is none."""
    return next((ending for ending in endings if word.endswith(ending)), "")
