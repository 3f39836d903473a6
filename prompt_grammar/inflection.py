"""Singular and plural of English noun phrases."""

import re

_IRREGULAR = {
    "mice": "mouse",
    "geese": "goose",
    "men": "man",
    "women": "woman",
    "children": "child",
    "people": "person",
    "feet": "foot",
    "teeth": "tooth",
    "wolves": "wolf",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "sheep": "sheep",
    "fish": "fish",
    "deer": "deer",
    "octopuses": "octopus",
    "buses": "bus",
    "cacti": "cactus",
    "octopi": "octopus",
    "scarves": "scarf",
    "elves": "elf",
    "calves": "calf",
    "halves": "half",
    "hooves": "hoof",
    "wives": "wife",
    "dice": "die",
    "oxen": "ox",
    "axes": "axe",
    "lenses": "lens",
    "canoes": "canoe",
    "shoes": "shoe",
    "toes": "toe",
    "oboes": "oboe",
}
_PLURALS = {singular: plural for plural, singular in reversed(_IRREGULAR.items())}
_IN_IE = (
    *("cookies", "movies", "zombies", "genies", "selfies", "brownies", "smoothies", "hoodies", "ties"),
    *("pixies", "beanies"),
)
"""Plurals of words in "ie", which others in "ies" are not."""
_MAN = ("snowman", "fireman", "policeman", "postman", "fisherman", "gentleman", "woman", "merman", "superman")
"""Words in "man" whose plural is one in "men": not those of humans, Germans and talismans."""
_PLURAL_NAMES = frozenset(
    (
        "aries", "arrows", "arts", "bags", "bars", "beads", "beans", "bicycles", "biceps", "binoculars", "blueberries",
        "books", "briefs", "bubbles", "busts", "cards", "chains", "cherries", "chopsticks", "clothes", "customs",
        "dividers", "dolls", "droplets", "ears", "eyes", "fingers", "fireworks", "flags", "flowers", "footprints",
        "frames", "fries", "glasses", "gloves", "goggles", "grapes", "hands", "headphones", "hearts", "houses", "jeans",
        "knobs", "letters", "lungs", "maracas", "mountains", "mugs", "notes", "numbers", "paperclips", "pancakes",
        "pants", "peanuts", "pedestrians", "phones", "pisces", "pliers", "points", "prints", "scissors", "series",
        "shoes", "shorts", "skis", "socks", "sparkles", "species", "springs", "sunglasses", "swords", "symbols",
        "tabs", "tears", "tickets", "trousers", "weights",
    )
)  # fmt: skip
"""Words of names that are plurals as they stand, those of the library among them; "lens" and "canvas" are none."""
_LATIN = re.compile(r"(?:[bcdgklmnprt]us|ypus)es$")
"""Plurals of words in "us": walruses, cactuses; not houses, causes or fuses."""


def _head(phrase: str) -> tuple[str, str, str]:
    """Split a phrase around the word that takes the plural: "cup" of "cup of tea", else the last."""
    match = re.search(r" (?:of|with|in|on|and) ", phrase)
    start, tail = (phrase[: match.start()], phrase[match.start() :]) if match else (phrase, "")
    left, space, word = start.rpartition(" ")
    return left + space, word, tail


def singular(phrase: str) -> str:
    """Return a noun phrase in the singular: "cup of tea" of "cups of tea"."""
    before, word, after = _head(phrase)
    if word in _IRREGULAR:
        word = _IRREGULAR[word]
    elif len(word) > 5 and word.endswith("men"):  # snowmen, firewomen
        word = word[:-2] + "an"
    elif word.endswith(_IN_IE):
        word = word[:-1]
    elif len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")) or _LATIN.search(word):
        word = word[:-2]
    elif len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return before + word + after


def plural(phrase: str) -> str:
    """Return a noun phrase in the plural: "cups of tea" of "cup of tea". What is one already stays: "sunglasses"."""
    before, word, after = _head(phrase)
    if word in _IRREGULAR or word in _PLURAL_NAMES:
        return phrase
    if word in _PLURALS:
        word = _PLURALS[word]
    elif word.endswith(_MAN):
        word = word[:-2] + "en"
    elif len(word) > 2 and word.endswith("y") and word[-2] not in "aeiou":
        word = word[:-1] + "ies"
    elif word.endswith(("s", "sh", "ch", "x", "z")):
        word += "es"
    else:
        word += "s"
    return before + word + after
