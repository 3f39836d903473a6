"""How retrieval captions are worded for the kind of pictures that are looked up."""

import re

from imagerag.generators.base import ImageKind
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.noun_phrase import article

FORMS: dict[ImageKind, tuple[str, ...]] = {
    "pictograms": ("{}", "a drawing of {}", "{} icon", "a picture that shows {} and nothing else", "{} emoji"),
    # "A photo of a {label}" and its variants are the prompt templates of CLIP (Radford et al. 2021, section 3.1.4).
    "photographs": (
        "a photo of {phrase}",
        "a close-up photo of {phrase}",
        "a good photo of {phrase}",
        "a bright photo of {phrase}",
        "a photo that shows {phrase} and nothing else",
    ),
    "any": ("{}", "a photo of {phrase}", "a drawing of {phrase}", "a picture that shows {phrase}", "{} in close-up"),
}
"""Forms of a caption, the one to search with first coming first: ``{}`` is the concept as it is, ``{phrase}`` the
concept with its article."""

_LEADING_ARTICLE = re.compile(r"^(?:an?|the|some)\s+(?=\S)", re.IGNORECASE)
_PLACES = "mount mt lake saint st san santa los las"
_PLACE = frozenset(_PLACES.split())
"""First words of names that take no article, where the prompt is in lower case."""
_SMALL = "a an and at de del der di du for in la le of on the van von"
_SMALL_WORDS = frozenset(_SMALL.split())
_MASS_NOUNS = """
    bacon bread broccoli butter cheese chocolate clothing coffee coral corn cotton dust fire fog food footage
    fur furniture garlic gold grass gravel hair hay honey ice ivy jewelry jewellery lava leather lightning
    luggage marble milk mist moss mud oil pasta rain ramen rice sand seaweed silk silver smoke snow soil
    spaghetti steam sushi tea velvet water wheat wine wood wool
"""
_UNCOUNTED = frozenset(_MASS_NOUNS.split())
_ODD = "asparagus atlas canvas chaos chess christmas compass cosmos cutlass gas ibis lens series species specimen texas"
_SINGULAR = frozenset(_ODD.split())
"""Words that end like a plural and are none."""


def caption_forms(concept: str, prompt: str, kind: ImageKind, count: int) -> list[str]:
    """Return at most ``count`` captions of one concept, the first being the one to search with.

    Args:
        concept: a name or noun phrase, with or without article.
        prompt: where the concept comes from; it shows which names are proper ones, and adds nothing else.
        kind: of the pictures that are searched.
        count: 1 or more; there are five forms of each kind.
    """
    phrase = with_article(concept, prompt)
    return [form.format(concept, phrase=phrase) for form in FORMS[kind][:count]]


def with_article(concept: str, prompt: str = "") -> str:
    """Return the concept as it stands behind "a photo of".

    "a scarlet ibis"; "cherry trees" and "rain" without article; proper names as the prompt writes them: "Mount Fuji",
    "the Eiffel Tower", "a Ferrari F40".
    """
    bare = _LEADING_ARTICLE.sub("", concept.strip()) or concept
    found = re.search(rf"(?<!\w){re.escape(bare)}(?!\w)", prompt, re.IGNORECASE)
    if found and _is_name(found, prompt):
        before = re.search(r"(?<!\w)(an?|the)\s+$", prompt[max(found.start() - 8, 0) : found.start()], re.IGNORECASE)
        given = before[1].lower() if before else ""
        return f"{given} {found[0]}".strip()
    head = re.split(r" (?:of|with|in|on|and) ", bare, maxsplit=1)[0].lower()
    word = head.rpartition(" ")[2]
    plural = (singular(word) != word or word.endswith("men")) and word not in _SINGULAR | _UNCOUNTED
    if plural or word in _UNCOUNTED or (" " in head and head.partition(" ")[0] in _PLACE):
        return bare
    return f"{article(bare)} {bare}"


def _is_name(found: re.Match[str], prompt: str) -> bool:
    """Whether the prompt writes it as a proper name; capitals all over, or one that begins a sentence, tell nothing."""
    words = [word for word in found[0].split() if word not in _SMALL_WORDS]
    others = [word for word in re.findall(r"[^\W\d_]\w*", prompt) if word not in words and len(word) > 3]
    if not words or words[0][0].islower() or not any(word[0].islower() for word in others):
        return False
    begins = prompt[: found.start()].rstrip(" \n\t\"'(")[-1:] in ("", ".", "!", "?")
    told = words[1:] if begins else words
    return bool(told) and not any(word[0].islower() for word in told)
