"""What a prompt asks for: objects, how they stand to each other, background and style.

A small grammar, not a language model: noun phrases joined by "and", commas and prepositions. Whatever it doesn't
understand stays in a phrase, in any script; nothing is lost silently (``Scene.dropped``).
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

MAX_INSTANCES = 4
"""How many things one scene holds, counts included; more are named in ``Scene.dropped``."""

Size = Literal["small", "normal", "large"]
RelationKind = Literal[
    "beside", "left of", "right of", "above", "below", "on", "in front of", "behind", "inside", "wearing", "with"
]

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

_COLOUR_ALIASES = {"grey": "gray", "golden": "gold", "crimson": "red", "indigo": "violet"}
_STYLE_ALIASES = {
    **{style: style for style in STYLES},
    "3-d": "3d",
    "fluent-flat": "fluent flat",
    "flat fluent": "fluent flat",
}
_SIZES: dict[str, Size] = {
    **dict.fromkeys(("small", "tiny", "little", "miniature"), "small"),
    **dict.fromkeys(("large", "big", "huge", "giant", "enormous"), "large"),
}
_NUMBERS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ARTICLES = frozenset(
    ["a", "an", "the", "some", "my", "your", "his", "her", "its", "their", "our", "this", "that", "these", "those"]
)
_CONNECTORS: dict[str, RelationKind | Literal["in", "and"]] = {
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
    ",": "and",
}
_WORDS: dict[RelationKind, str] = {
    "beside": "next to",
    "left of": "to the left of",
    "right of": "to the right of",
    "below": "under",
}
"""How ``describe`` says a relation, where that isn't its own name."""
_SHARED = ("beside", "left of", "right of", "above", "below", "in front of", "behind")
_POSTURES = frozenset(
    ["sitting", "standing", "lying", "resting", "placed", "floating", "hovering", "flying", "walking", "hanging"]
)
_BACKGROUND = frozenset(["background", "backdrop"])
_GARMENTS = frozenset(
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
    ]
)
_LEAD_IN = re.compile(
    r"^(?:(?:please|can you|could you)\s+)?(?:(?:draw|generate|make|create|paint|show|render|give)\s+(?:me\s+|us\s+)?)?"
    r"(?:(?:an?|the)\s+)?(?:(?P<style>flat|3d|noto|fluent flat|fluent|twemoji|fxemoji)\s+)?"
    r"(?:(?:picture|image|drawing|photo|photograph|painting|illustration|icon|emoji|pictogram|portrait)s?\s+of\s+)"
)
_COMMAND = re.compile(
    r"^(?:(?:now|please|can you|could you|i want|i would like|i'd like|i need)(?:\s+please)?,?\s+(?=\S+\s))*"
    r"(?:(?:draw|generate|create|paint|render)\s+(?:me\s+|us\s+)?(?=\S)"
    r"|(?:make|show|give)\s+(?:(?:me|us)\s+(?=\S)|(?=(?:an?|the|some|my)\s)))?"
)
_PLEASE = re.compile(r"(?<=\S\S)[\s,]+please[.!?]*$")
CONDITIONED = re.compile(
    r"^according to (?:these|this|the) images? of .*?[,;:.]?\s+generate\s+", re.DOTALL | re.IGNORECASE
)
"""The paper's form of a prompt that is drawn with references, up to where the prompt itself begins."""

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
}
_PLURALS = {singular: plural for plural, singular in _IRREGULAR.items()}

MOST_READINGS = 8
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


class Relation(NamedTuple):
    """``subject`` stands in this relation to ``anchor``: each a tuple of indices into ``Scene.objects``."""

    kind: RelationKind
    subject: tuple[int, ...]
    anchor: tuple[int, ...]


class StyleConcept(NamedTuple):
    """Something to check that is no object. ``text`` is for people and captions: "blue background", "red car"."""

    kind: Literal["colour", "background", "style"]
    text: str
    value: str
    phrase: str = ""


@dataclass(frozen=True)
class Scene:
    """A parsed prompt.

    Attributes:
        objects: at most ``MAX_INSTANCES`` instances, counts included, in the order of the prompt.
        relations: ordered by anchor. "wearing" and "with" belong to one object; every other relation's subject is
            all that was said before it.
        background: a key of ``COLOURS``, or None when the prompt doesn't say.
        styles: style words, each a member of ``STYLES`` where it is one.
        dropped: what did not fit any more, in the prompt's words; ``describe`` leaves it out.
    """

    objects: tuple[SceneObject, ...] = ()
    relations: tuple[Relation, ...] = ()
    background: str | None = None
    styles: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def describe(self) -> str:
        """A clean prompt for this scene; ``parse_scene`` of it gives the scene again (without ``dropped``)."""
        joints = {relation.anchor[0]: _WORDS.get(relation.kind, relation.kind) for relation in self.relations}
        text = ""
        for index, thing in enumerate(self.objects):
            joint = f" {joints.get(index, 'and')} " if index else ""
            text += joint + _describe_object(thing)
        if self.background:
            text = f"{text} on {_article(self.background)} {self.background} background".strip()
        return ", ".join(filter(None, (text, *(f"{style} style" for style in self.styles))))

    def content_concepts(self) -> list[str]:
        """The unique object phrases, in order."""
        return list(dict.fromkeys(thing.phrase for thing in self.objects))

    def style_concepts(self) -> list[StyleConcept]:
        """Colours of objects, background and style words, in this order, each once."""
        found = [
            StyleConcept("colour", f"{thing.colour} {thing.phrase}", thing.colour, thing.phrase)
            for thing in self.objects
            if thing.colour
        ]
        if self.background:
            found.append(StyleConcept("background", f"{self.background} background", self.background))
        found += [StyleConcept("style", f"{style} style", style) for style in self.styles]
        return list(dict.fromkeys(found))

    def with_colour(self, phrase: str | None, colour: str) -> "Scene":
        """Give the object called ``phrase`` (None: the first one) a colour; unknown phrases change nothing."""
        name = _COLOUR_ALIASES.get(colour, colour)
        if name not in COLOURS:
            raise ValueError(f"unknown colour {colour!r}; valid: {', '.join(COLOURS)}")
        wanted = self.objects[0].phrase if phrase is None and self.objects else phrase
        objects = tuple(replace(o, colour=name) if o.phrase == wanted else o for o in self.objects)
        return replace(self, objects=objects)

    def with_relation(self, kind: RelationKind, phrase: str, known_names: Collection[str] = ()) -> "Scene":
        """Put the whole scene on, in front of ... something; it replaces what it was ``kind`` before."""
        scene = self
        for relation in self.relations:
            if relation.kind == kind:
                for index in relation.anchor:
                    scene = scene.without(self.objects[index].phrase)
        return _add(scene, _noun_phrase(phrase, known_names), kind)

    def with_style(self, style: str) -> "Scene":
        """Draw it in another style; replaces the styles named so far."""
        return replace(self, styles=(_STYLE_ALIASES.get(style, style),))

    def with_background(self, colour: str) -> "Scene":
        """Put it before another background colour."""
        name = _COLOUR_ALIASES.get(colour, colour)
        if name not in COLOURS:
            raise ValueError(f"unknown colour {colour!r}; valid: {', '.join(COLOURS)}")
        return replace(self, background=name)

    def with_object(self, phrase: str, known_names: Collection[str] = ()) -> "Scene":
        """Add "a red hat"; what doesn't fit any more goes to ``dropped``."""
        return _add(self, _noun_phrase(phrase, known_names), "and")

    def without(self, phrase: str) -> "Scene":
        """Take all objects called ``phrase`` out, with their relations."""
        kept = [index for index, thing in enumerate(self.objects) if thing.phrase != phrase]
        place = {old: new for new, old in enumerate(kept)}
        relations = []
        for kind, subject, anchor in self.relations:
            left = tuple(place[i] for i in subject if i in place)
            right = tuple(place[i] for i in anchor if i in place)
            if left and right:
                relations.append(Relation(kind, left, right))
        return replace(self, objects=tuple(self.objects[i] for i in kept), relations=tuple(relations))


def parse_scene(prompt: str, known_names: Collection[str] = ()) -> Scene:
    """Parse a prompt.

    Args:
        prompt: any text; "According to these images of ..., generate X" is parsed as X.
        known_names: names that win over the grammar: "house with garden" stays one object, "red apple" has no colour.
            Pass a set: it is looked up, not searched.

    Returns:
        The scene; without objects when the prompt has no words.
    """
    names = known_names if isinstance(known_names, set | frozenset | dict) else frozenset(known_names)
    scene = _read(prompt, names)
    # Word salad ("a red five apple") may read differently once it is tidied: what its description says is what it is.
    for _ in range(MOST_READINGS):
        again = replace(_read(scene.describe(), names), dropped=scene.dropped)
        if again == scene:
            break
        scene = again
    return scene


def _read(prompt: str, names: Collection[str]) -> Scene:
    """Read a prompt once, from left to right."""
    text = unicodedata.normalize("NFKC", prompt).lower().replace("\u2019", "'")
    text = " ".join(text.split())
    text = _PLEASE.sub("", CONDITIONED.sub("", text, count=1))
    scene = Scene()
    if lead := _LEAD_IN.match(text):
        text = text[lead.end() :]
        if lead["style"]:
            scene = replace(scene, styles=(lead["style"],))
    else:
        text = _COMMAND.sub("", text, count=1)
    for joint, words in _split(text.split(" "), names):
        scene = _take(scene, joint, words, names)
    return scene


def _take(scene: Scene, joint: RelationKind | Literal["in", "and"], words: list[str], names: Collection[str]) -> Scene:
    """Add what one connector and the words behind it say."""
    if words[-1] in _BACKGROUND:
        inner = [word for word in words if word not in _ARTICLES]
        while inner and inner[-1] in _BACKGROUND:
            inner.pop()
        colour = _colour(" ".join(inner))
        if colour:
            return replace(scene, background=colour)
        words, joint = inner or words, "in front of"
    style = _style(words, joint)
    if style:
        return scene if style in scene.styles else replace(scene, styles=(*scene.styles, style))
    styles, words = _adjective_styles(words)
    last = _style(words, joint) if styles else ""
    scene = replace(scene, styles=tuple(dict.fromkeys(filter(None, (*scene.styles, *styles, last)))))
    return scene if last else _add(scene, _parse_object(words, names), joint)


def _add(scene: Scene, thing: SceneObject, joint: RelationKind | Literal["in", "and"]) -> Scene:
    room = MAX_INSTANCES - sum(o.count for o in scene.objects)
    if room <= 0:
        # A named object is worth more than one more of another: "five owls and a dog" has its dog.
        most = max(scene.objects, key=lambda o: o.count)
        if most.count == 1:
            return replace(scene, dropped=(*scene.dropped, _describe_object(thing)))
        objects = tuple(replace(o, count=o.count - 1) if o is most else o for o in scene.objects)
        scene = replace(scene, objects=objects, dropped=(*scene.dropped, f"1 more {most.phrase}"))
        room = 1
    if thing.count > room:
        scene = replace(scene, dropped=(*scene.dropped, f"{thing.count - room} more {thing.phrase}"))
        thing = replace(thing, count=room)
    garment = thing.phrase.split(" ")[-1] in _GARMENTS
    kind: RelationKind | None
    if joint == "and":
        last = scene.relations[-1] if scene.relations else None
        worn = last is not None and last.kind == "wearing" and last.anchor[-1] == len(scene.objects) - 1
        kind = "wearing" if garment and worn else None
    elif joint == "in":
        kind = "wearing" if garment else "inside"
    else:
        kind = "wearing" if joint == "with" and garment else joint
    index = len(scene.objects)
    relations = scene.relations
    if kind in ("wearing", "with") and index:
        relations = (*relations, Relation(kind, (_bearer(scene, index - 1),), (index,)))
    elif kind and index:
        relations = (*relations, Relation(kind, tuple(range(index)), (index,)))
    elif index and relations and relations[-1].kind in _SHARED:
        # "a sun above a house and a tree": the sun is above both.
        kind, subject, anchor = relations[-1]
        relations = (*relations[:-1], Relation(kind, subject, (*anchor, index)))
    return replace(scene, objects=(*scene.objects, thing), relations=relations)


def _bearer(scene: Scene, index: int) -> int:
    """Who wears or has it: the last object that isn't itself worn or held."""
    for kind, subject, anchor in reversed(scene.relations):
        if kind in ("wearing", "with") and index in anchor:
            return _bearer(scene, subject[0])
    return index


def _split(words: list[str], names: Collection[str]) -> Iterator[tuple[RelationKind | Literal["in", "and"], list[str]]]:
    """Cut at connectors, leaving known names whole; yields non-empty word lists with the connector before each."""
    tokens: list[str] = []
    for word in words:
        bare = word.strip("\"'()[]{}\u201c\u201d\u2018\u2019*_`")
        core = bare.rstrip(",;.!?:")
        tokens += [core.strip("\"'()[]{}")] if core.strip("\"'()[]{}") else []
        tokens += [","] if core != bare else []
    joint: RelationKind | Literal["in", "and"] = "and"
    held: list[str] = []
    yielded = False
    position = 0
    while position < len(tokens):
        name, length = _known(tokens, position, names)
        if name:
            held.append(name)
            position += length
            continue
        for length in (4, 3, 2, 1):
            found = _CONNECTORS.get(" ".join(tokens[position : position + length]))
            if found and position + length <= len(tokens):
                break
        else:
            held.append(tokens[position])
            position += 1
            continue
        if held and held[-1] in _POSTURES and found != "and":
            # "An owl sitting on" and "an owl, sitting on", but not "a sitting on": that is all there is to draw.
            before = any(word not in _ARTICLES for word in held[:-1])
            if before or (len(held) == 1 and yielded):
                held.pop()
        if held:
            yield joint, held
            joint, held, yielded = found, [], True
        elif joint == "and":
            joint = found
        position += length
    if held:
        yield joint, held


def _known(tokens: list[str], position: int, names: Collection[str]) -> tuple[str, int]:
    """The longest known name of several words that starts here, and how many tokens it takes."""
    if not names:
        return "", 0
    for length in range(min(LONGEST_NAME, len(tokens) - position), 1, -1):
        part = tokens[position : position + length]
        if part[0] in _ARTICLES or part[-1] in _ARTICLES:
            continue
        bare = " ".join(word for word in part if word not in _ARTICLES)
        if " " in bare and (bare in names or singular(bare) in names):
            return bare, length
    return "", 0


def _style(words: list[str], joint: str) -> str:
    """The style word that this clause is, or nothing."""
    inner = [word for word in words if word not in _ARTICLES and word != "one"]
    text = " ".join(inner)
    if text in _STYLE_ALIASES:
        return _STYLE_ALIASES[text]
    if inner[:2] == ["style", "of"]:
        inner = [*inner[2:], "style"]
    if len(inner) > 1 and inner[-1] in ("emoji", "emojis", "look") and joint in ("in", "and", "with"):
        return _STYLE_ALIASES.get(" ".join(inner[:-1]), "")
    if 2 <= len(inner) <= 4 and inner[-1] == "style":
        text = " ".join(inner[:-1])
        return _STYLE_ALIASES.get(text, text)
    return ""


def _adjective_styles(words: list[str]) -> tuple[list[str], list[str]]:
    """Take "3d" out of "a small 3d owl"; the last word always stays."""
    styles: list[str] = []
    kept: list[str] = []
    at = 0
    while at < len(words) - 1:
        word, pair = words[at], " ".join(words[at : at + 2])
        if pair in _STYLE_ALIASES and at < len(words) - 2:
            styles.append(_STYLE_ALIASES[pair])
            at += 2
            continue
        if word in _STYLE_ALIASES:
            styles.append(_STYLE_ALIASES[word])
        elif word in _ARTICLES or word in _SIZES or _colour(word) or _number(word):
            kept.append(word)
        else:
            break
        at += 1
    return styles, kept + words[at:]


def _noun_phrase(text: str, names: Collection[str]) -> SceneObject:
    words = unicodedata.normalize("NFKC", text).lower().split()
    bare = [word for word in words if word not in _ARTICLES] or words or ["thing"]
    return SceneObject(" ".join(bare)) if " ".join(bare) in names else _parse_object(words or bare, names)


def _parse_object(words: list[str], names: Collection[str]) -> SceneObject:
    """Read article, count, size and colour off the front; a known name, or the last word, is never taken apart."""
    at, last = 0, len(words) - 1
    count, exact, counted = 1, False, False
    size: Size = "normal"
    colour: str | None = None
    while at < last and (last - at >= LONGEST_NAME or " ".join(words[at:]) not in names):
        word = words[at]
        pair = _colour(" ".join(words[at : at + 2])) if at < last - 1 else None
        if word in _ARTICLES:
            counted = True
        elif number := _number(word):
            count, counted, exact = number, True, word.endswith("x")
        elif word in ("pair", "couple") and words[at + 1] == "of" and at < last - 1:
            count, counted, at = 2, True, at + 1
        elif word in _SIZES:
            size = _SIZES[word]
        elif pair:
            colour, at = pair, at + 1
        elif single := _colour(word):
            colour = single
        else:
            break
        at += 1
    phrase = " ".join(words[at:])
    single_form = singular(phrase)
    if count > 1 and not exact:
        phrase = single_form if single_form in names or phrase not in names else phrase
    elif not counted and phrase not in names and single_form in names:
        phrase, count = single_form, 2
    return SceneObject(phrase, count, colour, size)


def _describe_object(thing: SceneObject) -> str:
    size = "" if thing.size == "normal" else thing.size
    inner = [word for word in (size, thing.colour or "") if word]
    if thing.count == 1:
        words = " ".join([*inner, thing.phrase])
        return f"{_article(words)} {words}"
    many = plural(thing.phrase)
    if singular(many) != thing.phrase:
        return " ".join([f"{thing.count}x", *inner, thing.phrase])
    return " ".join([_NUMBERS[thing.count] if thing.count < 11 else str(thing.count), *inner, many])


def _article(words: str) -> str:
    return "an" if words[:1] in "aeiou" else "a"


def _colour(text: str) -> str | None:
    name = _COLOUR_ALIASES.get(text, text)
    return name if name in COLOURS else None


def _number(word: str) -> int:
    """The number that a word says, 0 if none."""
    if word in _NUMBERS[1:]:
        return _NUMBERS.index(word)
    match = re.fullmatch(r"([0-9]{1,4})x?", word)
    return int(match[1]) if match else 0


def _head(phrase: str) -> tuple[str, str, str]:
    """Split a phrase around the word that takes the plural: "cup" of "cup of tea", else the last."""
    match = re.search(r" (?:of|with|in|on|and) ", phrase)
    start, tail = (phrase[: match.start()], phrase[match.start() :]) if match else (phrase, "")
    left, space, word = start.rpartition(" ")
    return left + space, word, tail


def singular(phrase: str) -> str:
    before, word, after = _head(phrase)
    if word in _IRREGULAR:
        word = _IRREGULAR[word]
    elif len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes", "oes")):
        word = word[:-2]
    elif len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return before + word + after


def plural(phrase: str) -> str:
    before, word, after = _head(phrase)
    if word in _PLURALS:
        word = _PLURALS[word]
    elif len(word) > 2 and word.endswith("y") and word[-2] not in "aeiou":
        word = word[:-1] + "ies"
    elif word.endswith(("s", "sh", "ch", "x", "z")):
        word += "es"
    else:
        word += "s"
    return before + word + after
