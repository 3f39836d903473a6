"""A sentence in chunks, by what each does in it: verbs, things of the picture, new things, places, looks."""

from collections.abc import Sequence

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.lexicon import Chunk, lexicon
from imagerag.agent.follow_up.phrases import phrases, starts_with
from imagerag.agent.follow_up.sides import frame_of
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.vocabulary import ARTICLES, BACKGROUND_WORDS, SIZES, RelationKind, colour_of, number_of

LONGEST_NOUN = 4
"""Words of the longest name that is looked for."""
_PARTICLES = frozenset(["away", "out", "off"])
_GAZES = frozenset(["to", "at", "left", "right", "up", "down", "away", "back"])
"""Where a head turns, which can't be drawn."""
_NEEDED = frozenset(["necessary", "needed", "required", "wanted", "welcome", "useful"])
_MEASURES = frozenset(["few", "many", "much", "enough", "little", "less"])
_MARKS = frozenset([",", ";", ":", ".", "!", "?"])
_STRONG_VERBS = frozenset(["put", "add", "place", "make", "remove", "delete", "replace", "stick"])
"""Verbs that are so wherever they stand, and names of nothing."""
_OPEN: dict[str, RelationKind] = {
    "in the background": "behind",
    "in background": "behind",
    "in the back": "behind",
    "in the distance": "behind",
    "in the foreground": "in front of",
    "in front": "in front of",
    "at the front": "in front of",
    "on top": "on",
    "on the top": "on",
    "on it": "on",
    "underneath": "below",
    "beneath": "below",
    "below": "below",
    "under": "below",
    "above": "above",
    "overhead": "above",
    "up above": "above",
    "behind": "behind",
    "beside": "beside",
    "nearby": "beside",
    "alongside": "beside",
    "next door": "beside",
    "at the side": "beside",
    "inside": "inside",
}
"""Places without the other thing, at the end of a clause."""
_NEGATIVE_MODALS = frozenset(["shouldn't", "mustn't", "wouldn't", "couldn't", "needn't"])
"""Negations, but at the start of a question: "shouldn't there be two?"."""
_NEGATIONS = frozenset(
    ["no", "not", "don't", "dont", "isn't", "aren't", "never", "doesn't", "without", "neither", "nor"]
)


def chunks_of(edit: Edit, words: Sequence[str]) -> list[Chunk]:
    """Part one clause into chunks; words that ask for nothing are left out, and those not read are chunks as well."""
    found: list[Chunk] = []
    at = 0
    while at < len(words):
        first = not any(one.kind not in ("not", "mark") for one in found) or found[-1].kind == "mark"
        chunk = _chunk(edit, words, at, first=first)
        if chunk is None:
            at += 1
            continue
        if chunk.kind == "unread" and found and found[-1].kind == "unread":
            found[-1] = Chunk("unread", (*found[-1].words, *chunk.words))
        else:
            found.append(chunk)
        at += chunk.taken or len(chunk.words)
        if chunk.kind == "relation" and chunk.implied:
            found.append(Chunk("there", ("it",)))
    found = _without_resumption(found)
    while found and found[0].kind == "mark":
        found.pop(0)
    while found and found[-1].kind == "mark":
        found.pop()
    if (
        len(found) > 1
        and found[0] == Chunk("not", ("no",))
        and found[1].kind in ("make", "put", "add", "replace", "give")
    ):
        found.pop(0)  # "no make it 3d"
    return found


def _without_resumption(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Leave out "he" of "the snail he is too little"."""
    return [
        chunk
        for at, chunk in enumerate(chunks)
        if not (
            at
            and chunk.words in (("he",), ("she",), ("it",), ("they",))
            and chunks[at - 1].kind == "there"
            and len(chunks[at - 1].words) > 1
            and chunks[at + 1 : at + 2]
            and chunks[at + 1].kind in ("is", "have", "wear", "at")
        )
    ]


def _chunk(edit: Edit, words: Sequence[str], at: int, *, first: bool) -> Chunk | None:
    """Return the chunk that begins at a place; ``None`` where the word there asks for nothing."""
    rest = words[at:]
    if rest[0] in ("it's", "that's", "this's", "he's", "she's", "they're", "this") and rest[0] != "this":
        return Chunk("is", (rest[0],))
    if rest[0] == "too" and (size := _look(edit, rest[1:])) and size.kind == "size":
        small = " ".join(size.words) in phrases().sizes["small"]
        return Chunk("size", ("bigger" if small else "smaller", *size.words))
    if rest[0] in _MARKS:
        return Chunk("mark", (rest[0],))
    if (first or rest[0] in _STRONG_VERBS) and (verb := _verb(rest)):
        return verb
    if placed := _relation(edit, rest) or _side(rest):
        return placed
    if look := _look(edit, rest):
        return look
    if thing := _thing(edit, rest):
        return thing
    for kind in ("wear", "have", "at", "is"):
        if length := starts_with(rest, lexicon().between[kind]):
            return Chunk(kind, tuple(rest[:length]))
    if length := starts_with(rest, lexicon().between["swap"]):
        return Chunk("swap", tuple(rest[:length]))
    if rest[0] in ("look", "looks", "seems", "feels") and not _GAZES & set(rest[1:2]):
        return Chunk("is", (rest[0],))
    if rest[0] in _NEEDED:
        return Chunk("needed", (rest[0],))
    if rest[0] in _MEASURES:
        return Chunk("measure", (rest[0],))
    if rest[0] in _NEGATIONS or (rest[0] in _NEGATIVE_MODALS and not first):
        return Chunk("not", (rest[0],))
    if rest[0] == "instead":
        return Chunk("instead", tuple(rest[: 2 if rest[1:2] == ["of"] else 1]))
    if number_of(rest[0]) or (rest[0][:1] == "x" and number_of(rest[0][1:])):
        return Chunk("number", (rest[0].removeprefix("x"),))
    if rest[0] in _PARTICLES:
        return Chunk("remove", (rest[0],)) if not first else None
    if rest[0] in lexicon().filler or not any(letter.isalnum() for letter in rest[0]):
        return None
    return Chunk("unread", (rest[0],))


def _verb(rest: Sequence[str]) -> Chunk | None:
    """Return the verb of an order at the start: known ones, before something they are done to."""
    verbs = lexicon().verbs
    for kind in ("remove", "fill", "replace", "make", "give", "put", "add"):
        if length := starts_with(rest, verbs[kind]):
            particle = starts_with(rest, verbs["remove_with_particle"]) and _PARTICLES & set(rest[1:])
            if kind in ("put", "make", "give", "fill") and particle:
                return Chunk("remove", tuple(rest[:1]))
            return Chunk(kind, tuple(rest[:length])) if len(rest) > length else None
    if starts_with(rest, verbs["remove_with_particle"]) and _PARTICLES & set(rest[1:]):
        return Chunk("remove", tuple(rest[:1]))
    return None


_OPPOSITE = tuple(
    (*before, "the", other, "side") for before in (("on",), ("to",), ("at",)) for other in ("other", "opposite")
)
"""Where a thing goes that stands on one side of another now."""
_OF_A_SIDE = frozenset(["side", "hand", "half", "part", "edge", "end"])


def _relation(edit: Edit, rest: Sequence[str]) -> Chunk | None:
    """Return a connector of two things: "on the left hand side of", "next to", where a thing follows."""
    for length in range(min(4, len(rest)), 0, -1):
        ends = len(rest) == length or rest[length] in _MARKS or rest[length] in ("and", "too", "please", "as")
        if ends and (kind_ := _OPEN.get(" ".join(rest[:length]))):
            return Chunk("relation", tuple(rest[:length]), kind_, implied=True)
    if rest[0] in ("riding", "driving", "mounting", "steering") and _thing(edit, rest[1:]):
        return Chunk("relation", (rest[0],), "on")
    at = 1 if rest[0] in ("to", "on", "at", "by", "from", "in") else 0
    inner = list(rest[at:])
    skipped = 1 if inner[:1] in (["the"], ["its"], ["his"], ["her"]) else 0
    side = inner[skipped] if len(inner) > skipped else ""
    if side in ("left", "right"):
        end = skipped + 1
        while end < len(inner) and inner[end] in _OF_A_SIDE:
            end += 1
        if inner[end : end + 1] in (["of"], ["from"], ["to"]):
            kind: RelationKind = "left of" if side == "left" else "right of"
            return Chunk("relation", tuple(rest[: at + end + 1]), kind)
    for said, kind in phrases().relations:
        if tuple(rest[: len(said)]) == said:
            behind = [word for word in rest[len(said) :] if word not in ("the", "a", "an", "right", "just")]
            if behind and said not in (("to",),) and _thing(edit, rest[len(said) :]):
                return Chunk("relation", said, kind)
    return None


def _side(rest: Sequence[str]) -> Chunk | None:
    """Return a side of the picture: "on the left", "in the top right corner"; not "to the left of the dog"."""
    for said in _OPPOSITE:
        if tuple(rest[: len(said)]) == said:
            return Chunk("side", said)
    for length in range(min(7, len(rest)), 0, -1):
        if rest[length - 1] in ARTICLES | {"of", "to", "on", "in"} or rest[length : length + 1] == ["of"]:
            continue
        if length < 2 and rest[0] not in ("left", "right", "leftwards", "rightwards"):
            continue
        if rest[0] not in ("put", "on", "to", "at", "in", "left", "right", "further", "more", "a", "over"):
            continue
        if frame_of(list(rest[:length])):
            return Chunk("side", tuple(rest[:length]))
    return None


def _look(edit: Edit, rest: Sequence[str]) -> Chunk | None:
    """Return a look that stands by itself: a colour, a size, a style, a time of day, a background."""
    said = phrases()
    if not rest:
        return None
    for length in range(min(5, len(rest)), 0, -1):
        inner = list(rest[:length])
        text = " ".join(inner)
        behind = rest[length : length + 1]
        if text in said.styles | {"3d", "flat", "noto", "fluent", "twemoji", "fxemoji"} and not _noun_length(
            edit, rest
        ):
            return Chunk("style", tuple(rest[: length + (behind == ["style"])]))
        if length > 1 and inner[-1] in BACKGROUND_WORDS and (colour_of(" ".join(inner[:-1]))):
            return Chunk("background", tuple(inner[:-1]))
        if inner[0] in ("at", "in", "during", "by") and inner[-1] in said.times and length < 4:
            return Chunk("time", tuple(inner))
        if length > 1 and inner[-1] in BACKGROUND_WORDS and all(word in ARTICLES | {"in", "on"} for word in inner[:-1]):
            return Chunk("background", ())._replace(words=tuple(inner)) if behind else None
    if (
        rest[0] in ("in", "to")
        and len(rest) > 1
        and (inner_look := _look(edit, rest[1:]))
        and inner_look.kind == "colour"
    ):
        return inner_look._replace(words=(rest[0], *inner_look.words))
    pair = " ".join(rest[:2])
    colour = 2 if colour_of(pair) else 1 if colour_of(rest[0]) else 0
    if colour and not _noun_length(edit, rest[colour:]):
        return Chunk("colour", tuple(rest[: colour + (rest[colour : colour + 1] in (["one"], ["ones"]))]))
    for length in (3, 2, 1):
        text = " ".join(rest[:length])
        if any(text in names for names in said.sizes.values()) and not _noun_length(edit, rest[length:]):
            return Chunk("size", tuple(rest[: length + (rest[length : length + 1] == ["one"])]))
    return None


def _noun_length(edit: Edit, rest: Sequence[str]) -> int:
    """Return how many words the name of a thing takes with which the words begin; 0 if they begin with none."""
    function = lexicon().filler | _NEGATIONS | {"it", "them", "one", "ones", "of", "in", "left", "right", "other"}
    for length in range(min(LONGEST_NOUN, len(rest)), 0, -1):
        text = " ".join(rest[:length])
        if length == 1 and (text.endswith("ing") and (text,) in lexicon().between["at"]):
            continue
        if length == 1 and (text in function or len(text) < 2 or colour_of(text) or text in BACKGROUND_WORDS):
            continue
        names = {text, singular(text)}
        if any(name in edit.known or name in edit.names for name in names):
            return length
        if any(item.thing.phrase in names or item.thing.phrase.split()[-1] in names for item in edit.items):
            return length
    return 0


def _thing(edit: Edit, rest: Sequence[str]) -> Chunk | None:
    """Return a noun phrase: of the picture, or of something new."""
    if not rest:
        return None
    said = phrases()
    for length in (4, 3, 2, 1):
        text = " ".join(rest[:length])
        if text in said.it | said.them and text not in ("one", "that", "this", "all", "her", "his", "their", "its"):
            return Chunk("there", tuple(rest[:length]))
    if rest[0] in ("that", "this", "her", "those", "these") and not _noun_length(edit, rest[1:]):
        return Chunk("there", ("it",)) if len(rest) == 1 else None
    at = 0
    while at < len(rest) and (
        rest[at]
        in ARTICLES | said.indefinite | {"other", "second", "first", "third", "last", "more", "both", "all", "no"}
        or rest[at] in SIZES
        or colour_of(rest[at])
        or colour_of(" ".join(rest[at : at + 2]))
        or number_of(rest[at])
    ):
        at += 1
    noun = _noun_length(edit, rest[at:])
    if not noun and rest[at:] and rest[at].endswith("'s") and _noun_length(edit, [rest[at].removesuffix("'s")]):
        rest = [*rest[:at], rest[at].removesuffix("'s"), *rest[at + 1 :]]  # "the ladder's to blue"
        noun = 1
    if not noun and at and rest[at : at + 1] in (["one"], ["ones"]):
        noun = 1
    if not noun or rest[0] == "no":
        return None
    words = list(rest[: at + noun])
    new = words[0] in said.indefinite or bool(number_of(words[0])) or words[0] in ("another", "more")
    named = words if words[0] in said.definite else ["the", *words]
    if not new and edit.find(named, loosely=named is words) is not None:
        return Chunk("there", tuple(named), taken=len(words))
    if words[0] in said.definite:
        return Chunk("unread", tuple(words))  # "the cat", of a picture without one, is nothing to add
    return Chunk("new", tuple(words))
