"""Whole sentences by their order of chunks, put as the plain order that the grammar of changes reads.

A sentence is taken only when each of its words is a part of a chunk, or asks for nothing; whatever else is left unread.
"""

import re
from collections.abc import Callable, Sequence

from imagerag.agent.follow_up.chunks import chunks_of
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.lexicon import Chunk, codes_of
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import CannotChange, is_setting, with_items
from imagerag.generators.layout import arrange
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.scene import Scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, GARMENTS, RELATION_WORDS, colour_of, number_of

Words = list[str]
_Order = Callable[[Edit, Sequence[Chunk]], list[Words] | None]
PRONOUNS = frozenset(["those", "these", "it", "them", "him", "she", "he", "they", "this", "that"])
_UNKNOWN_VERB = re.compile(r"u(?=[NT](?:R|S))")
"""A verb that is in no list, before a thing and a place: "lean a bucket next to it"."""


def plain_orders(edit: Edit, words: Sequence[str]) -> list[Words] | None:
    """Return the orders that a sentence gives, in plain words; ``None`` where any of its words was not read.

    Args:
        edit: of the picture that the sentence is about.
        words: of one clause.
    """
    chunks = chunks_of(edit, words)
    codes = codes_of(chunks)
    if chunks and _UNKNOWN_VERB.match(codes) and len(chunks[0].words) == 1:
        chunks, codes = [chunks[0]._replace(kind="put"), *chunks[1:]], f"p{codes[1:]}"
    if not codes or "u" in codes or _asks(words):
        return None
    if "," in codes and not codes.startswith("R") and codes != "TS,TS":
        return None
    for pattern, order in _ORDERS:
        if pattern.fullmatch(codes):
            told = bool(_ADDS & set(words)) or chunks[0].kind in ("add", "put", "make")
            if order is _put and not told and all(chunk.kind != "there" for chunk in chunks):
                return None  # "an owl in a tree" is a picture of its own
            if order is _add_if_told and not (_ADDS & set(words) or _ORDINALS & set(words[:2]) or _put_on(chunks)):
                return None
            return order(edit, chunks)
    return None


def each_its_colour(edit: Edit, words: Sequence[str]) -> list[Words] | None:
    """Return the orders of "one red, one blue", said of two that are alike, and of "make them red and blue".

    ``None`` where words are none of these.

    Raises:
        CannotChange: there are more colours than things, or fewer.
    """
    if orders := _listed(edit, words):
        return orders
    chunks = chunks_of(edit, words)
    codes = codes_of(chunks)
    if _ALL_COLOURS.fullmatch(codes) and "and" in words:
        return _one_after_the_other(edit, chunks)
    return None


_BESIDE_COLOURS = frozenset(
    ["make", "one", "ones", "a", "an", "the", "other", "another", "first", "second", "third", "fourth", "last", "of",
     "them", "be", "is", "should", "in"]
)  # fmt: skip
"""Words beside the colours of a list that says of each of several things which it has."""


def _listed(edit: Edit, words: Sequence[str]) -> list[Words]:
    """Return the orders of "one red, one blue and one yellow", said of three; nothing where words are no such list."""
    parts = re.split(r" ?(?:,|;|\band\b) ?", " ".join(words).strip(" .!"))
    told = [[word for word in part.split() if word not in _BESIDE_COLOURS] for part in parts if part]
    looks = [" ".join(look) for look in told if look]
    alike = [item.thing for item in edit.items if item.thing.count == len(looks) > 1]
    if len(looks) != len(told) or len(alike) != 1 or not all(colour_of(look) for look in looks):
        return []
    if not {"one", "another", "other", "first", "a"} & set(words):
        return []  # "red and blue"
    name = alike[0].phrase.split()
    ordinals = phrases().ordinals
    return [["make", "the", ordinals[at], *name, *look.split()] for at, look in enumerate(looks)]


_ALL_COLOURS = re.compile(r"[mx]?T[if]*CC+")


def _one_after_the_other(edit: Edit, chunks: Sequence[Chunk]) -> list[Words]:
    named = words_in(chunks, "there")
    looks = [list(chunk.words) for chunk in chunks if chunk.kind == "colour"]
    found = edit.find(named)
    things = [edit.items[at].thing for at in found.places if at < len(edit.items)] if found is not None else []
    if len(things) == len(looks):
        return [["make", "the", *thing.phrase.split(), *look] for thing, look in zip(things, looks, strict=True)]
    if len(things) == 1 and things[0].count == len(looks):
        name = things[0].phrase.split()
        return [
            ["make", "the", ordinal, *name, *look] for ordinal, look in zip(phrases().ordinals, looks, strict=False)
        ]
    said = " and ".join(" ".join(look) for look in looks)
    raise CannotChange(f"a thing has one colour, and {' '.join(named)!r} can't be {said}; name one for each thing")


_ORDINALS = frozenset(["second", "third", "fourth"])
_ADDS = frozenset(
    [
        "would",
        "there",
        "and",
        "also",
        "plus",
        "too",
        "+",
        "about",
        "want",
        "need",
        "needs",
        "like",
        "have",
        "get",
        "see",
        "could",
        "can",
    ]
)
"""Words with which a bare name is something to add, and no picture of its own."""
_QUESTIONS = frozenset(
    ["what", "why", "how", "who", "where", "when", "which", "whose", "is", "are", "does", "did", "was"]
)


def _put_on(chunks: Sequence[Chunk]) -> bool:
    """Tell whether nothing is said but what somebody puts on: "crown"."""
    return len(chunks) == 1 and chunks[0].words[0] not in ARTICLES and chunks[0].words[-1] in GARMENTS


def _asks(words: Sequence[str]) -> bool:
    """Tell whether words are a question to be answered: "what is a cat?", not "what about a cat?"."""
    first = [word for word in words if word not in ("and", "but", "so", "ok", "oh", ",")][:2]
    return bool(first) and first[0] in _QUESTIONS and first[1:] not in (["about"], ["if"], ["there"])


def words_in(chunks: Sequence[Chunk], kind: str, at: int = 0) -> Words:
    """Return the words of the ``at``th chunk of a kind."""
    found = [chunk for chunk in chunks if chunk.kind in kind.split("|")]
    return list(found[at].words) if len(found) > at else []


def _relation(chunks: Sequence[Chunk]) -> Words:
    kind = next(chunk.relation for chunk in chunks if chunk.relation is not None)
    return RELATION_WORDS.get(kind, kind).split()


def with_article(words: Words) -> Words:
    """Return a new thing's name with what makes it one: "tree" as "a tree", "stars" as it is."""
    named = words[0] in phrases().indefinite | ARTICLES or number_of(words[0]) or singular(words[-1]) != words[-1]
    return words if named else ["a", *words]


def _put(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "(put) a tree behind the dog", "behind the dog a tree"."""
    things = [chunk for chunk in chunks if chunk.kind in ("there", "new")]
    codes = codes_of(chunks)
    first, second = (things[1], things[0]) if codes.startswith("R") else (things[0], things[1])
    subject = list(first.words) if first.kind == "there" else with_article(list(first.words))
    anchor = list(second.words) if second.kind == "there" else with_article(list(second.words))
    if first.kind == second.kind == "there" and second.words[0] in PRONOUNS:
        anchor = _other_than(edit, subject) or anchor
    return [["put", *subject, *_relation(chunks), *anchor]]


def _other_than(edit: Edit, subject: Words) -> Words | None:
    """Return the only other thing of the picture, which "it" is where it can't be the subject itself."""
    one, it = edit.find(subject), edit.find(["it"])
    if one is None or it is None or set(one.places) != set(it.places):
        return None
    others = [item for at, item in enumerate(edit.items) if at not in one.places]
    return ["the", *others[0].thing.phrase.split()] if len(others) == 1 else None


def _put_to_it(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "standing next to a rocket"."""
    there, new = words_in(chunks, "there"), words_in(chunks, "new")
    return [["put", "it", *_relation(chunks), *(there or with_article(new))]]


def _add(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    new = [list(chunk.words) for chunk in chunks if chunk.kind == "new"]
    return _added(edit, chunks, new)


def _added(edit: Edit, chunks: Sequence[Chunk], new: list[Words]) -> list[Words] | None:
    if len(new) == 1 and _ORDINALS & set(new[0][:2]):
        return _another(edit, chunks)
    if len(new) == 1 and new[0][-1] in GARMENTS and len(edit.items) == 1:
        return [["give", "it", *with_article(new[0])]]
    return [["add", *with_article(one)] for one in new]


def _add_if_told(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """A name alone is one more thing only where the words around it say so; see ``plain_orders``.

    "Would a red ball work?", of a picture with a ball, is that ball in red.
    """
    new = [list(chunk.words) for chunk in chunks if chunk.kind == "new"]
    if len(new) == 1 and new[0][0] in ("a", "an"):
        thing = edit.thing_of(new[0])
        if thing and thing[0].thing.colour and edit.place_of(thing[0].thing.phrase) is not None:
            return [["make", "the", *thing[0].thing.phrase.split(), *thing[0].thing.colour.split()]]
    return _add(edit, chunks)


def _add_to_side(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    side = words_in(chunks, "side")
    if side[-1] == "side" and side[-2] in ("other", "opposite"):
        place = edit.place_of(edit.latest) if edit.latest else None
        opposite = None if place is None else _opposite(edit, place)
        others = [item for at, item in enumerate(edit.items) if at != place and not is_setting(edit.items, at)]
        if opposite is None or not others:
            return None
        side = [*opposite, "of", "the", *others[0].thing.phrase.split()]
    return [["put", *with_article(words_in(chunks, "new")), *side]]


def _move_to_side(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    there = words_in(chunks, "there")
    named = there or ([edit.latest] if edit.latest and edit.place_of(edit.latest) is not None else ["it"])
    side = words_in(chunks, "side")
    if side[-1] == "side" and side[-2] in ("other", "opposite"):
        found = edit.find(named)
        opposite = found and _opposite(edit, found.places[0])
        return [["put", *named, *opposite]] if opposite else None
    return [["put", *named, *side]]


def _opposite(edit: Edit, at: int) -> Words | None:
    """Return the side on which a thing does not stand now, as words: "to the left"."""
    middles: dict[int, float] = {}
    for place in arrange(with_items(Scene(), edit.items)):
        middles.setdefault(place.index, place.x + place.side / 2)
    others = [middle for index, middle in middles.items() if index != at]
    if at not in middles or not others:
        return None
    return ["to", "the", "left" if middles[at] > sum(others) / len(others) else "right"]


def _counted(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "there are too few bees, I'd like three", "make the number of pandas three"."""
    number, there = words_in(chunks, "number"), words_in(chunks, "there")
    if there and there[0] in PRONOUNS:
        there = []
    return [["make", "it", *number, *(word for word in there if word not in ARTICLES)] if there else number]


def _another(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    new = words_in(chunks, "new")
    return [["add", "another", *(word for word in new if word not in _ORDINALS and word not in ARTICLES)]]


def _sides(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "the dog left, the house right"."""
    first, second = words_in(chunks, "there"), words_in(chunks, "there", 1)
    sides = {"left", "right"} & set(words_in(chunks, "side"))
    return [["put", *first, "to", "the", *sides, "of", *second]] if len(sides) == 1 else None


def _counted_anew(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "reduce it to three balloons", of a picture with balloons; of others they are something to add."""
    new = words_in(chunks, "new")
    there = bool(number_of(new[0])) and edit.find(["the", *new[1:]]) is not None if len(new) > 1 else False
    return [["make", "it", *new]] if there else _add(edit, chunks)


def _remove(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    named = [chunk.words for chunk in chunks if chunk.kind == "there"]
    if chunks[0].words == ("not",) and named[0][0] in PRONOUNS:
        return None  # "not that one" may speak of the last change as well
    return [["remove", *_named(edit, words)] for words in named]


def _named(edit: Edit, words: Sequence[str]) -> Words:
    """Return what a pronoun stands for where a clause before has named it: "the glasses are wrong, remove those"."""
    if words[0] in PRONOUNS and edit.it and edit.place_of(edit.it) is not None:
        return ["the", *edit.it.split()]
    return list(words)


def _recoloured(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "change red to blue"."""
    old, new = ([word for word in words_in(chunks, "colour", at) if word not in ("to", "in")] for at in (0, 1))
    named = [item.thing.phrase for item in edit.items if item.thing.colour == colour_of(" ".join(old))]
    return [["make", "the", *phrase.split(), *new] for phrase in named] or None


def _exchange(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    there, new = words_in(chunks, "there"), words_in(chunks, "new")
    if there[0] in PRONOUNS and edit.latest and edit.place_of(edit.latest) is not None:
        there = ["the", *edit.latest.split()]  # "change it for a briefcase" is said of what was spoken of last
    return [["replace", *there, "with", *with_article(new)]]


def _have(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    there = _named(edit, words_in(chunks, "there") or ["it"])
    worn = bool(words_in(chunks, "wear"))
    new = [with_article(list(chunk.words)) for chunk in chunks if chunk.kind == "new"]
    return [[*there, "should", "wear" if worn else "have", *one] for one in new]


def _put_what_it_has(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "the snowman could use a carrot next to it"."""
    anchor = words_in(chunks, "there", 1)
    if anchor[0] in PRONOUNS:
        anchor = words_in(chunks, "there")
    return [["put", *with_article(words_in(chunks, "new")), *_relation(chunks), *anchor]]


def _fill(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "fill the basket with apples"."""
    kind = "on" if chunks[0].words[0] in ("cover", "top") else "inside"
    return [["put", *with_article(words_in(chunks, "new")), kind, *words_in(chunks, "there")]]


def _attach(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "attach sunglasses to the panda", "give a hat to the dog"."""
    new, there = with_article(words_in(chunks, "new")), words_in(chunks, "there")
    if new[-1] in GARMENTS or chunks[0].kind == "give":
        return [["give", *there, *new]]
    return [["put", *new, "on", *there]]


def _look(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "the dog should be red", "turn the hat blue"."""
    look = words_in(chunks, "colour|size|style|time")
    there = words_in(chunks, "there")
    kind = next(chunk.kind for chunk in chunks if chunk.kind in ("colour", "size", "style", "time"))
    if kind in ("style", "time") or not there:
        return [look]
    return [["make", *_named(edit, there), *look]]


def _look_of_latest(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "blue one please": said of what was spoken of last."""
    look = [word for word in words_in(chunks, "colour|size|style|time") if word not in ("one", "ones")]
    place = edit.place_of(edit.latest) if edit.latest else None
    kind = next(chunk.kind for chunk in chunks if chunk.kind in ("colour", "size", "style", "time"))
    if kind in ("style", "time") or place is None:
        return [look]
    return [["make", "the", *edit.latest.split(), *look]]


def _backed(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    return [["make", "the", "background", *words_in(chunks, "background|colour")]]


def _several(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "the dog red, the cat blue"."""
    orders: list[Words] = []
    for at, chunk in enumerate(chunks):
        if chunk.kind == "there":
            look = next(one for one in chunks[at + 1 :] if one.kind in ("colour", "size"))
            orders.append(["make", *chunk.words, *look.words])
    return orders


_PLACED = "[qi]*"
_ORDERS: tuple[tuple[re.Pattern[str], _Order], ...] = tuple(
    (re.compile(pattern), order)
    for pattern, order in (
        (rf"[apm]?[NT]{_PLACED}R[NT]", _put),
        (r"Th[N]R[T]", lambda edit, chunks: _put(edit, chunks[2:])),
        (rf"R[TN],?[ap]?{_PLACED}N", _put),
        (r"gTNRT", _put_what_it_has),
        (r"[apq]*R[NT]", _put_to_it),
        (r"[apm]?NS", _add_to_side),
        (r"[ap]?S[ap]?N", _add_to_side),
        (rf"[apm]?T{_PLACED}S", _move_to_side),
        (r"[apm]?S", _move_to_side),
        (r"r+[T]+r?|Tr", _remove),
        (r"[!]T|T[i!f]*![i!f]*n", _remove),
        (r"TS,?TS", _sides),
        (r"[mx]f?N", _counted_anew),
        (r"[xm]Tf?N", _exchange),
        (r"xTfN", _exchange),
        (r"TrN[a]?", _exchange),
        (r"Ns[T]", _exchange),
        (r"sTN", _exchange),
        (r"[apm]?Th?NRT", _put_what_it_has),
        (r"[apm]?T[hw]N+", _have),
        (r"lT[hf]N", _fill),
        (r"[pg]Nf[T]", _attach),
        (r"gTh?N", _have),
        (r"gNf?T", _have),
        (r"[wh]N", _have),
        (r"[ap]N+", _add),
        (r"i?N+", _add_if_told),
        (r"[mxg]?T[if]*[CZyt]", _look),
        (r"[mx]?T[if]*[CZ](?:T[if]*[CZ])+", _several),
        (r"[mx]?i?[CZyt]i?s?", _look_of_latest),
        (r"[mapx]?T?[if]*#T?", _counted),
        (r"[xm]?Cf?C", _recoloured),
        (r"[mapx]?b", _backed),
    )
)
