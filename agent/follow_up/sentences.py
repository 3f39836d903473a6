"""Whole sentences by their order of chunks, put as the plain order that the grammar of changes reads.

A sentence is taken only when each of its words is a part of a chunk, or asks for nothing; whatever else is left unread.
"""

import re
from collections.abc import Callable, Sequence

from imagerag.agent.follow_up.chunks import CODES, Chunk, chunks_of
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.likeness import most_alike
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import with_items
from imagerag.generators.layout import arrange
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.scene import Scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, GARMENTS, RELATION_WORDS, RelationKind, colour_of, number_of

Words = list[str]
_Order = Callable[[Edit, Sequence[Chunk]], list[Words] | None]
_PRONOUNS = frozenset(["those", "these", "it", "them", "him", "she", "he", "they", "this", "that"])
_UNKNOWN_VERB = re.compile(r"u(?=[NT](?:R|S))")
"""A verb that is in no list, before a thing and a place: "lean a bucket next to it"."""


def plain_orders(edit: Edit, words: Sequence[str]) -> list[Words] | None:
    """Return the orders that a sentence gives, in plain words; ``None`` where any of its words was not read.

    Args:
        edit: of the picture that the sentence is about.
        words: of one clause.
    """
    chunks = chunks_of(edit, words)
    codes = "".join(CODES[chunk.kind] for chunk in chunks)
    if chunks and _UNKNOWN_VERB.match(codes) and len(chunks[0].words) == 1:
        chunks, codes = [chunks[0]._replace(kind="put"), *chunks[1:]], f"p{codes[1:]}"
    if not codes or "u" in codes or _asks(words):
        return None
    if (coloured := _each_its_colour(edit, chunks, codes)) is not None:
        return coloured
    if "," in codes and not codes.startswith("R"):
        return None
    for pattern, order in _ORDERS:
        if pattern.fullmatch(codes):
            if order is _add_if_told and not (_ADDS & set(words) or _ORDINALS & set(words[:2]) or _put_on(chunks)):
                return None
            return order(edit, chunks)
    return None


_EACH = re.compile(r"[mx]?T?(?:[#NT][i]*C),?(?:[#NT][i]*C)")


def _each_its_colour(edit: Edit, chunks: Sequence[Chunk], codes: str) -> list[Words] | None:
    """ "one red, one blue", "make one red and the other blue", of two that are alike."""
    if not _EACH.fullmatch(codes):
        return None
    looks = [list(chunk.words) for chunk in chunks if chunk.kind == "colour"]
    named = [chunk.words for chunk in chunks if chunk.kind in ("number", "new", "there") and chunk.words not in _ALL]
    alike = [item.thing for item in edit.items if item.thing.count == 2]
    if len(alike) != 1 or not all(set(words) <= _ONE_OR_OTHER for words in named) or len(named) != 2:
        return None
    name = alike[0].phrase.split()
    return [["make", "the", "first", *name, *looks[0]], ["make", "the", "second", *name, *looks[1]]]


_ALL = (("them",), ("it",), ("both",))
_ONE_OR_OTHER = frozenset(["one", "other", "the", "another", "1", "first", "second", "a"])
_ORDINALS = frozenset(["second", "third", "fourth"])
_ADDS = frozenset(
    ["would", "there", "and", "also", "plus", "too", "+", "about", "want", "need", "needs", "like", "have", "get", "see", "could", "can"]
)
"""Words with which a bare name is something to add, and no picture of its own."""
_QUESTIONS = frozenset(["what", "why", "how", "who", "where", "when", "which", "whose", "is", "are", "does", "did", "was"])


def _put_on(chunks: Sequence[Chunk]) -> bool:
    """Tell whether nothing is said but what somebody puts on: "crown"."""
    return len(chunks) == 1 and chunks[0].words[0] not in ARTICLES and chunks[0].words[-1] in GARMENTS


def _asks(words: Sequence[str]) -> bool:
    """Tell whether words are a question to be answered: "what is a cat?", not "what about a cat?"."""
    first = [word for word in words if word not in ("and", "but", "so", "ok", "oh", ",")][:2]
    return bool(first) and first[0] in _QUESTIONS and first[1:] not in (["about"], ["if"], ["there"])


def _of(chunks: Sequence[Chunk], kind: str, at: int = 0) -> Words:
    """Return the words of the ``at``th chunk of a kind."""
    found = [chunk for chunk in chunks if chunk.kind in kind.split("|")]
    return list(found[at].words) if len(found) > at else []


def _said(kind: RelationKind | None) -> Words:
    assert kind is not None
    return {"inside": ["inside"], "with": ["with"]}.get(kind, RELATION_WORDS.get(kind, kind).split())


def _relation(chunks: Sequence[Chunk]) -> Words:
    return _said(next(chunk.relation for chunk in chunks if chunk.kind == "relation"))


def _with_article(words: Words) -> Words:
    """Return a new thing's name with what makes it one: "tree" as "a tree", "stars" as it is."""
    named = words[0] in phrases().indefinite | ARTICLES or number_of(words[0]) or singular(words[-1]) != words[-1]
    return words if named else ["a", *words]


def _put(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "(put) a tree behind the dog", "behind the dog a tree"."""
    things = [chunk for chunk in chunks if chunk.kind in ("there", "new")]
    codes = "".join(CODES[chunk.kind] for chunk in chunks)
    first, second = (things[1], things[0]) if codes.startswith("R") else (things[0], things[1])
    subject = list(first.words) if first.kind == "there" else _with_article(list(first.words))
    anchor = list(second.words) if second.kind == "there" else _with_article(list(second.words))
    if first.kind == second.kind == "there" and second.words[0] in _PRONOUNS:
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
    there, new = _of(chunks, "there"), _of(chunks, "new")
    return [["put", "it", *_relation(chunks), *(there or _with_article(new))]]


def _add(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    new = [list(chunk.words) for chunk in chunks if chunk.kind == "new"]
    return _added(edit, chunks, new)


def _added(edit: Edit, chunks: Sequence[Chunk], new: list[Words]) -> list[Words] | None:
    if len(new) == 1 and _ORDINALS & set(new[0][:2]):
        return _another(edit, chunks)
    if len(new) == 1 and new[0][-1] in GARMENTS and len(edit.items) == 1:
        return [["give", "it", *_with_article(new[0])]]
    return [["add", *_with_article(one)] for one in new]


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
    side = _of(chunks, "side")
    if side[-1] == "side" and side[-2] in ("other", "opposite"):
        place = edit.place_of(edit.latest) if edit.latest else None
        opposite = _opposite(edit, place) if place else None
        if opposite is None:
            return None
        side = [*opposite, "of", "it"]
    return [["put", *_with_article(_of(chunks, "new")), *side]]


def _move_to_side(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    there = _of(chunks, "there")
    named = there or ([edit.latest] if edit.latest and edit.place_of(edit.latest) is not None else ["it"])
    side = _of(chunks, "side")
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
    number, there = _of(chunks, "number"), _of(chunks, "there")
    if there and there[0] in _PRONOUNS:
        there = []
    return [["make", "it", *number, *(word for word in there if word not in ARTICLES)] if there else number]


def _another(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    new = _of(chunks, "new")
    return [["add", "another", *(word for word in new if word not in _ORDINALS and word not in ARTICLES)]]


def _sides(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "the dog left, the house right"."""
    first, second = _of(chunks, "there"), _of(chunks, "there", 1)
    sides = {"left", "right"} & set(_of(chunks, "side"))
    return [["put", *first, "to", "the", *sides, "of", *second]] if len(sides) == 1 else None


def _counted_anew(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "reduce it to three balloons", of a picture with balloons; of others they are something to add."""
    new = _of(chunks, "new")
    there = bool(number_of(new[0])) and edit.find(["the", *new[1:]]) is not None if len(new) > 1 else False
    return [["make", "it", *new]] if there else _add(edit, chunks)


def _remove(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    return [["remove", *_named(edit, chunk.words)] for chunk in chunks if chunk.kind == "there"]


def _named(edit: Edit, words: Sequence[str]) -> Words:
    """Return what a pronoun stands for where a clause before has named it: "the glasses are wrong, remove those"."""
    if words[0] in _PRONOUNS and edit.it and edit.place_of(edit.it) is not None:
        return ["the", *edit.it.split()]
    return list(words)


def _recoloured(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "change red to blue"."""
    old, new = ([word for word in _of(chunks, "colour", at) if word not in ("to", "in")] for at in (0, 1))
    named = [item.thing.phrase for item in edit.items if item.thing.colour == colour_of(" ".join(old))]
    return [["make", "the", *phrase.split(), *new] for phrase in named] or None


def _exchange(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    there, new = _of(chunks, "there"), _of(chunks, "new")
    if there[0] in _PRONOUNS and edit.latest and edit.place_of(edit.latest) is not None:
        there = ["the", *edit.latest.split()]  # "change it for a briefcase" is said of what was spoken of last
    return [["replace", *there, "with", *_with_article(new)]]


def _have(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    there = _named(edit, _of(chunks, "there") or ["it"])
    worn = bool(_of(chunks, "wear"))
    new = [_with_article(list(chunk.words)) for chunk in chunks if chunk.kind == "new"]
    return [[*there, "should", "wear" if worn else "have", *one] for one in new]


def _put_what_it_has(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "the snowman could use a carrot next to it"."""
    anchor = _of(chunks, "there", 1)
    if anchor[0] in _PRONOUNS:
        anchor = _of(chunks, "there")
    return [["put", *_with_article(_of(chunks, "new")), *_relation(chunks), *anchor]]


def _fill(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "fill the basket with apples"."""
    kind = "on" if chunks[0].words[0] in ("cover", "top") else "inside"
    return [["put", *_with_article(_of(chunks, "new")), kind, *_of(chunks, "there")]]


def _attach(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "attach sunglasses to the panda", "give a hat to the dog"."""
    new, there = _with_article(_of(chunks, "new")), _of(chunks, "there")
    if new[-1] in GARMENTS or chunks[0].kind == "give":
        return [["give", *there, *new]]
    return [["put", *new, "on", *there]]


def _look(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "the dog should be red", "turn the hat blue"."""
    look = _of(chunks, "colour|size|style|time")
    there = _of(chunks, "there")
    kind = next(chunk.kind for chunk in chunks if chunk.kind in ("colour", "size", "style", "time"))
    if kind in ("style", "time") or not there:
        return [look]
    return [["make", *_named(edit, there), *look]]


def _look_of_latest(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "blue one please": said of what was spoken of last."""
    look = _of(chunks, "colour|size|style|time")
    place = edit.place_of(edit.latest) if edit.latest else None
    kind = next(chunk.kind for chunk in chunks if chunk.kind in ("colour", "size", "style", "time"))
    if kind in ("style", "time") or place is None:
        return [look]
    return [["make", "the", *edit.latest.split(), *look]]


def _backed(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    return [["make", "the", "background", *_of(chunks, "background|colour")]]


def _several(edit: Edit, chunks: Sequence[Chunk]) -> list[Words] | None:
    """ "the dog red, the cat blue"."""
    orders: list[Words] = []
    for at, chunk in enumerate(chunks):
        if chunk.kind == "there":
            look = next(one for one in chunks[at + 1 :] if one.kind in ("colour", "size"))
            orders.append(["make", *chunk.words, *look.words])
    return orders


_VERB = "[apmwx]"
_PLACED = "[qi]*"
_ORDERS: tuple[tuple[re.Pattern[str], _Order], ...] = tuple(
    (re.compile(pattern), order)
    for pattern, order in (
        (rf"[apm]?[NT]{_PLACED}R[NT]", _put),
        (rf"[TN]h[N]R[T]", lambda edit, chunks: _put(edit, chunks[2:])),
        (rf"R[TN],?[ap]?{_PLACED}N", _put),
        (r"gTNRT", _put_what_it_has),
        (rf"[apq]*R[NT]", _put_to_it),
        (rf"[apm]?NS", _add_to_side),
        (rf"[ap]?S[ap]?N", _add_to_side),
        (rf"[apm]?T{_PLACED}S", _move_to_side),
        (rf"[apm]?S", _move_to_side),
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


_JOINS = frozenset([",", "and", "but", "&", "then", ":", "-", ";"])
_REPAIRS = re.compile(r"(?:,|\.|!|-)? ?(?:no wait|wait no|no|nah|sorry|i mean|or rather|scratch that|wait|hmm|actually no)(?: ,)? ")
_CONTRAST = re.compile(
    r"(?<=\w)(?: , (?:and |but )?not| rather than| instead of(?= (?:one|two|three|four|\d)$)) (?!to\b|too\b|so\b|that\b)(?:an? |the )?[\w-]+(?: one)?(?= instead$|$)"
)
"""What is not meant, behind what is: "white, not black"."""
_APPOSED = re.compile(
    r"\ban? (?P<head>[\w-]+)(?P<middle>(?: [\w-]+)*) , (?:say |like |maybe |preferably |for example )?"
    r"(?P<again>an? (?:[\w-]+ )?[\w-]*(?P=head))$"
)
"""A thing that is said more exactly behind: "a ball under the chair , a soccer ball"."""
_OUT_AND_IN = re.compile(r"(?P<old>.+?) (?:out|off)(?: ,| and| ;)* (?P<new>.+?) (?:in|on)(?: instead)?")
_OF_THEM = re.compile(r"(?:more |some |add )?(?P<what>[\w -]+?) , (?P<many>\w+) of (?:them|those|these)")
_RESTATED = re.compile(r"\b(?:an?|the) (?:[\w-]+ ){0,2}(?P<head>[\w-]+) , (?P<again>(?:an?|the) (?:[\w-]+ ){0,2}(?P=head)\b)")
"""A thing that is named once more, in better words: "a music note ... a musical note"."""
_MERELY = re.compile(
    r"T[i]+T?i*|[T]?[i!hq]*u*[T]?|[T]?[i!hq]*u*i?u+|[T][i!]*[CZ]?!?|[!]+[CZ#NT]|T[if]*![if!]*[CZN]|[TN]?[i!]*e[NT]?[i!u]*"
    r"|[NT][i!]*e"
)
"""The chunks of a remark: a thing and how it is, in words that are no change."""
_KEEPS = frozenset(["keep", "leave", "like", "love"])


_SAID_OF_IT = re.compile(r"[mx]?T[if]*[CZ]|[mx]?C|[xm]Tf?N")


def each_its_colour(edit: Edit, words: Sequence[str]) -> list[Words] | None:
    """Return the orders of "one red, one blue", said of two that are alike; ``None`` where words are none of these."""
    chunks = chunks_of(edit, words)
    return _each_its_colour(edit, chunks, "".join(CODES[chunk.kind] for chunk in chunks))


def corrected(edit: Edit, words: Sequence[str]) -> Words | None:
    """Return "replace the monkey with a gorilla" of "no you fool , a gorilla"; ``None`` where words correct nothing."""
    if words[0] not in ("no", "nope", "nah") or "," not in words[1:-1]:
        return None
    before, new = list(words[1 : list(words).index(",")]), list(words[list(words).index(",") + 1 :])
    chunks = chunks_of(edit, new)
    merely = all(chunk.kind == "unread" for chunk in chunks_of(edit, before))
    if not merely or len(chunks) != 1 or chunks[0].kind != "new" or new[0] not in ("a", "an"):
        return None
    thing = edit.thing_of(new)
    alike = most_alike(edit, thing[0].thing.phrase) if thing else None
    if alike is None:
        return None
    return ["replace", "the", *edit.items[alike].thing.phrase.split(), "with", *chunks[0].words]


def with_topic(edit: Edit, words: Sequence[str]) -> Words:
    """Return "make the hat red" of "make it red", where the request before has put the hat there.

    What was put somewhere is what the person looks at then, not the thing that was there before.
    """
    at = edit.place_of(edit.newest) if edit.newest and not edit.changed else None
    if not at or edit.items[at].joint not in ("wearing", "with", "and"):
        return list(words)
    chunks = chunks_of(edit, words)
    named = _of(chunks, "there")
    if not _SAID_OF_IT.fullmatch("".join(CODES[chunk.kind] for chunk in chunks)) or (named and named != ["it"]):
        return list(words)
    the_new = ["the", *edit.newest.split()]
    if not named:
        return ["make", *the_new, *_of(chunks, "colour")]
    place = list(words).index("it") if "it" in words else -1
    return [*words[:place], *the_new, *words[place + 1 :]] if place >= 0 else list(words)


def clauses_of(edit: Edit, words: Sequence[str]) -> list[Words]:
    """Part a sentence where both sides are read by themselves, from left to right; whole where they are not."""
    rest = list(words)
    found: list[Words] = []
    while rest:
        cut = len(rest)
        if ":" in rest[1:-1] and plain_orders(edit, rest[rest.index(":") + 1 :]) is not None:
            rest = rest[rest.index(":") + 1 :]  # what a list is headed by
        if found and rest[0] in phrases().indefinite | ARTICLES and plain_orders(edit, rest) is None:
            rest = [*_verb_of(found[-1]), *rest]
        if plain_orders(edit, rest) is None:
            places = [at for at, word in enumerate(rest) if at and word in _JOINS]
            cut = next(
                (at for at in reversed(places) if plain_orders(edit, rest[:at]) is not None or is_remark(edit, rest[:at])),
                len(rest),
            )
        found.append(rest[:cut])
        rest = rest[cut + 1 :]
    return [part for part in found if any(word not in _JOINS for word in part)]


def _verb_of(words: Sequence[str]) -> Words:
    """Return the verb that a list goes on with: of "add a hat", for ", a scarf and a ball"."""
    return list(words[:1]) if words[0] in ("add", "put", "remove", "include", "draw", "make") else []


def is_remark(edit: Edit, words: Sequence[str]) -> bool:
    """Tell whether a clause says how something is, or what is to stay, and asks for nothing: "it looks odd".

    What it speaks of is what "it" is in the clauses behind.
    """
    chunks = chunks_of(edit, words)
    codes = "".join(CODES[chunk.kind] for chunk in chunks)
    keeps = bool(_KEEPS & set(words)) and set(codes) <= {"m", "T", "u"}
    if not (keeps or (_MERELY.fullmatch(codes) and not codes.startswith("uT"))):
        return False
    named = _of(chunks, "there") or _of(chunks, "new")
    named = [word for word in named if not number_of(word)]
    if named and named[0] not in _PRONOUNS and (found := edit.find(named)) is not None:
        edit.it = edit.latest = found.items[found.places[0]].thing.phrase
    return True


def repaired(edit: Edit, words: Sequence[str]) -> Words:
    """Return a sentence without what the person takes back: "a cone ... no wait , a bicycle" is a bicycle."""
    text = _APPOSED.sub(r"\g<again>\g<middle>", " ".join(words))
    words = text.split()
    text = _CONTRAST.sub("", " ".join(words)) or " ".join(words)
    words = text.split()
    if (found := _OUT_AND_IN.fullmatch(text)) and edit.find(found["old"].split()) is not None:
        return ["replace", *found["old"].split(), "with", *_with_article(found["new"].split())]
    if (found := _OF_THEM.fullmatch(text)) and number_of(found["many"]):
        return [found["many"], *found["what"].split()]
    if found := _RESTATED.search(text):
        return [*text[: found.start()].split(), *text[found.start("again") :].split()]
    for found in _REPAIRS.finditer(text):
        left, right = text[: found.start()].split(), text[found.end() :].split()
        if not left or not right or not found.group().strip(" ,"):
            continue
        new = chunks_of(edit, right)
        old = chunks_of(edit, left)
        if not new or not old or old[-1].kind not in ("new", "there", "unread", "colour", "number"):
            continue
        if new[0].kind not in ("new", "there", "colour", "number"):
            continue
        kept = next((at for at in range(len(left)) if left[at:] and left[at] in ARTICLES | phrases().indefinite), len(left) - 1)
        return [*left[:kept], *right]
    return list(words)
