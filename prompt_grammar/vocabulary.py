"""The words that the grammar knows: colours, styles, sizes, numbers, connectors, garments."""

import re
from collections.abc import Sequence
from typing import Literal

Size = Literal["small", "normal", "large"]
RelationKind = Literal[
    "beside", "left of", "right of", "above", "below", "on", "in front of", "behind", "inside", "wearing", "with"
]

Joint = RelationKind | Literal["in", "and"]
"""What connects two noun phrases: a relation, or one that depends on what follows."""

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 38, 38),
    "orange": (245, 130, 32),
    "yellow": (250, 210, 45),
    "green": (52, 160, 72),
    "blue": (45, 105, 220),
    "purple": (130, 70, 190),
    "pink": (245, 130, 180),
    "brown": (130, 82, 45),
    "black": (30, 30, 34),
    "white": (255, 255, 255),
    "gray": (140, 144, 150),
    "cyan": (50, 200, 225),
    "magenta": (215, 45, 160),
    "turquoise": (60, 205, 185),
    "teal": (20, 125, 130),
    "navy": (28, 42, 105),
    "gold": (212, 165, 40),
    "silver": (190, 195, 202),
    "lime": (160, 220, 50),
    "maroon": (125, 25, 45),
    "beige": (235, 220, 190),
    "violet": (145, 95, 235),
    "light blue": (150, 200, 245),
    "dark blue": (25, 55, 140),
    "light green": (160, 220, 150),
    "dark green": (20, 95, 50),
}
"""Named colours, sRGB 0..255."""

STYLES: tuple[str, ...] = ("flat", "3d", "noto", "fluent", "fluent flat", "twemoji", "fxemoji")
"""Style words that a generator of pictograms can follow; others are kept as they were written."""

COLOUR_ALIASES = {"grey": "gray", "golden": "gold", "crimson": "red", "indigo": "violet"}
MERE_COLOURS = frozenset([*COLOURS, *COLOUR_ALIASES]) - frozenset(
    ["orange", "gold", "golden", "silver", "lime", "violet", "turquoise"]
)
"""Colours that are no things, as in "a cat, gelled lights, magenta and cyan"."""
STYLE_ALIASES = {
    **{style: style for style in STYLES},
    "3-d": "3d",
    "fluent-flat": "fluent flat",
    "flat fluent": "fluent flat",
}
SIZES: dict[str, Size] = {
    **dict.fromkeys(("small", "tiny", "little", "miniature"), "small"),
    **dict.fromkeys(("large", "big", "huge", "giant", "enormous"), "large"),
}
NUMBERS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
LARGE_NUMBERS: dict[str, int] = {
    **{word: number for number, word in enumerate(("eleven", "twelve", "thirteen", "fourteen", "fifteen"), start=11)},
    **{word: number for number, word in enumerate(("sixteen", "seventeen", "eighteen", "nineteen"), start=16)},
    **{word: number for number, word in zip(range(20, 60, 10), ("twenty", "thirty", "forty", "fifty"), strict=True)},
    **{word: number for number, word in zip(range(60, 100, 10), ("sixty", "seventy", "eighty", "ninety"), strict=True)},
    "hundred": 100,
}
"""More than one picture holds, so that what is not drawn can be told."""
ARTICLES = frozenset(
    ["a", "an", "the", "some", "my", "your", "his", "her", "its", "their", "our", "this", "that", "these", "those"]
)
CONNECTORS: dict[str, Joint] = {
    "next to": "beside",
    "beside": "beside",
    "near": "beside",
    "by": "beside",
    "alongside": "beside",
    "to the left of": "left of",
    "on the left of": "left of",
    "left of": "left of",
    "to the right of": "right of",
    "on the right of": "right of",
    "right of": "right of",
    "above": "above",
    "over": "above",
    "below": "below",
    "under": "below",
    "beneath": "below",
    "underneath": "below",
    "on top of": "on",
    "on": "on",
    "upon": "on",
    "riding": "on",
    "in front of": "in front of",
    "against": "in front of",
    "behind": "behind",
    "inside": "inside",
    "inside of": "inside",
    "in the middle of": "inside",
    "in the center of": "inside",
    "in the centre of": "inside",
    "at the center of": "inside",
    "at the centre of": "inside",
    "in the corner of": "inside",
    "at the top of": "on",
    "at the bottom of": "inside",
    "at the edge of": "beside",
    "on the edge of": "beside",
    "at the foot of": "beside",
    "at": "inside",
    "within": "inside",
    "wearing": "wearing",
    "dressed in": "wearing",
    "with": "with",
    "holding": "with",
    "carrying": "with",
    "in": "in",
    "and": "and",
    "plus": "and",
    "&": "and",
    "vs": "and",
    "versus": "and",
    "+": "and",
    ",": "and",
}
WITHOUT = frozenset(
    [
        "without",
        "with no",
        "with not",
        "but no",
        "but not",
        "but without",
        "and no",
        "and without",
        "no",
        "minus",
        "except",
    ]
)
"""What stands before things that are not to be seen."""
MARKS = frozenset(["text", "watermark", "watermarks", "logo", "signature", "caption", "border", "frame", "blur"])
"""What is left out of a picture, and no critic looks for."""
ANY = frozenset(["any", "single", "all", "other", "more", "at", "visible"])
"""Words between those and the thing."""
PATHS: dict[str, Joint] = {
    **dict.fromkeys(("through", "across", "among", "amongst", "amid", "amidst", "between", "into", "out of"), "inside"),
    **dict.fromkeys(("along", "around", "past", "outside", "towards", "toward"), "beside"),
    "onto": "on",
}
"""What connects as well, behind a participle: "a man walking along a beach"."""
RELATION_WORDS: dict[RelationKind, str] = {
    "beside": "next to",
    "left of": "to the left of",
    "right of": "to the right of",
    "below": "under",
}
"""How ``describe`` says a relation, where that isn't its own name."""
SHARED_RELATIONS = ("beside", "left of", "right of", "above", "below", "in front of", "behind")
POSTURES = frozenset(
    [
        "sitting",
        "standing",
        "lying",
        "resting",
        "placed",
        "floating",
        "hovering",
        "flying",
        "walking",
        "hanging",
        "surrounded",
        "kneeling",
        "smiling",
    ]
)
PRONOUNS = frozenset(
    ["it", "them", "him", "her", "themselves", "itself", "himself", "herself", "each", "other", "both"]
)
"""Words for what was named before."""
LOOKED_AT = frozenset(["camera", "viewer", "lens"])
"""What somebody looks or smiles at who looks out of the picture."""
BACKGROUND_WORDS = frozenset(["background", "backdrop", "bg"])
GARMENTS = frozenset(
    [
        "kimono",
        "suit",
        "tuxedo",
        "dress",
        "coat",
        "jacket",
        "shirt",
        "t-shirt",
        "hat",
        "cap",
        "crown",
        "scarf",
        "gloves",
        "sari",
        "sweater",
        "hoodie",
        "uniform",
        "robe",
        "vest",
        "skirt",
        "jeans",
        "pants",
        "trousers",
        "boots",
        "shoes",
        "socks",
        "helmet",
        "glasses",
        "sunglasses",
        "goggles",
        "tie",
        "bikini",
        "swimsuit",
        "costume",
        "armor",
        "cape",
        "apron",
        "poncho",
        "blouse",
        "raincoat",
        "pajamas",
        "gown",
        "clothes",
        "shorts",
        "veil",
        "bonnet",
        "beret",
        "necktie",
        "necklace",
    ]
)


PAIRS = frozenset(
    (
        "binoculars", "boots", "earrings", "glasses", "gloves", "goggles", "headphones", "jeans", "mittens",
        "pajamas", "pants", "pyjamas", "sandals", "scissors", "shoes", "shorts", "skates", "skis", "slippers",
        "sneakers", "socks", "sunglasses", "trousers",
    )
)  # fmt: skip
"""What two of are called a pair, and is drawn as one: "a pair of gloves"."""
PARTS = frozenset(
    (
        "bit", "chunk", "crumb", "helping", "hunk", "kind", "lot", "lump", "morsel", "piece", "pinch", "plenty",
        "portion", "scrap", "serving", "slab", "slice", "sort", "type", "variety", "wedge",
    )
)  # fmt: skip
"""What stands before "of" and a thing, and is that thing to the eye: "a piece of cheese", "some kind of bird"."""
GROUPS = frozenset(
    (
        "batch", "bunch", "bundle", "clump", "cluster", "crowd", "deck", "flock", "group", "handful", "heap",
        "herd", "litter", "pack", "pile", "pride", "row", "school", "set", "stack", "swarm",
    )
)  # fmt: skip
"""What some of a thing are called together: "a flock of birds"."""
HOLDERS = frozenset(
    (
        "bag", "bar", "barrel", "basin", "bottle", "bowl", "box", "bucket", "can", "carafe", "carton", "cone",
        "container", "crate", "cup", "dish", "glass", "jar", "jug", "loaf", "mug", "packet", "pan", "pitcher",
        "plate", "platter", "pot", "sack", "saucer", "scoop", "stick", "tin", "tray", "tub", "tube", "vase",
    )
)  # fmt: skip
"""What a thing is served and sold in or as: "a plate of pancakes"."""


def colour_of(text: str) -> str | None:
    name = COLOUR_ALIASES.get(text, text)
    return name if name in COLOURS else None


def number_of(word: str) -> int:
    """The number that a word says, 0 if none."""
    if word in NUMBERS[1:]:
        return NUMBERS.index(word)
    if word in LARGE_NUMBERS:
        return LARGE_NUMBERS[word]
    match = re.fullmatch(r"([0-9]{1,4})x?", word)
    return int(match[1]) if match else 0


def dozens_of(words: Sequence[str]) -> tuple[int, int]:
    """Return the number that words begin with where they say it in dozens, and how many words say it; else 0, 0."""
    for said, number in (("half a dozen", 6), ("a half dozen", 6), ("half dozen", 6), ("half-a-dozen", 6)):
        if list(words[: said.count(" ") + 1]) == said.split(" "):
            return number, said.count(" ") + 1
    if list(words[:1]) in (["dozen"], ["half-dozen"]):
        return 12 if words[0] == "dozen" else 6, 1
    if list(words[1:2]) == ["dozen"] and (number := 1 if words[0] == "a" else number_of(words[0])):
        return 12 * number, 2
    return 0, 0
