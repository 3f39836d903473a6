"""Changes that a request can mean, put together from what it mentions; ``likelihood`` tells which it does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice, permutations
from typing import Literal, NamedTuple

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.mentions import FACTORS, Mention, sized
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import INVERSE, Item, is_setting, items_of
from imagerag.agent.follow_up.things import matching
from imagerag.prompt_grammar.inflection import plural, singular
from imagerag.prompt_grammar.noun_phrase import article
from imagerag.prompt_grammar.scene import Relation
from imagerag.prompt_grammar.vocabulary import ARTICLES, RELATION_WORDS, SIZES, RelationKind, number_of

ChangeKind = Literal[
    "add", "add at", "add to side", "add behind all", "add alike", "add between", "add opposite", "give", "replace",
    "remove", "only", "colour", "colour one", "colour all", "colour each", "uncolour", "background", "size", "size one",
    "size all", "resize", "grow", "shrink", "compare", "match", "count", "count by", "multiply", "move", "move to side",
    "move between", "move opposite", "swap", "swap colours", "style", "time", "back", "new",
    "open", "open at", "open to side", "hand", "restore",
]  # fmt: skip
"""``back``: the picture before; ``new``: one of which nothing is there yet; ``open...``: of a first request."""
MOST_TAKEN_TOGETHER = 3
"""Changes that one request asks for at most."""
MOST_APART = 4
"""Mentions behind a thing's name among which its colour and its number are looked for."""


class Referent(NamedTuple):
    """A thing of the picture as a change speaks of it.

    Attributes:
        place: among the picture's things.
        mention: where the request names it, by its place among the mentions; ``None`` where it does not.
    """

    place: int
    mention: int | None


@dataclass(frozen=True)
class Change:
    """One change, as its parts.

    Attributes:
        kind: of the change.
        target: the thing of the picture that it is done to, or that stays and what comes is put to.
        new: the mention of what comes.
        look: the mention of the colour, size, number, side, style or time; of a first request, that of the thing to
            which what comes stands.
        relation: the mention of how it is to stand.
        other: the thing that the target is moved to, changes places with or stays with.
        apart: mentions of the colour, size and number of what comes that stand apart from its name.
        order: the change as the grammar of changes reads it.
    """

    kind: ChangeKind
    order: tuple[str, ...]
    target: Referent | None = None
    new: int | None = None
    look: int | None = None
    relation: int | None = None
    other: Referent | None = None
    apart: tuple[int, ...] = ()

    @cached_property
    def used(self) -> frozenset[int]:
        """Places of the mentions of which it is made."""
        of_things = [one.mention for one in (self.target, self.other) if one is not None]
        return frozenset(at for at in (self.new, self.look, self.relation, *self.apart, *of_things) if at is not None)


Proposal = tuple[Change, ...]
"""Changes that are made one after the other."""


def proposals_of(edit: Edit, mentions: Sequence[Mention], words: Sequence[str] = ()) -> Iterator[Change]:
    """Yield each change that can be made of the mentions, of a request of such words."""
    news = [at for at, one in enumerate(mentions) if one.kind == "thing"]
    targets = _referents(edit, mentions)
    relations = [at for at, one in enumerate(mentions) if one.kind == "relation"]
    sides = [at for at, one in enumerate(mentions) if one.kind == "side"]
    for at in news:
        if mentions[at].before[:1] != ("the",) or not mentions[at].places:
            for apart in _said_apart(mentions, at):
                yield from _arriving(edit, mentions, at, apart, targets, relations, sides)
        for target in targets:
            if target.mention != at:
                continue
            mention, who = mentions[at], _called(edit, target.place)
            if mention.colour:
                yield Change("colour", ("make", *who, *mention.colour.split()), target, look=at)
            if mention.size:
                yield Change("size", ("make", *who, sized([mention.size])), target, look=at)
            if mention.count and mention.count != edit.items[target.place].thing.count:
                yield Change("count", _counted(edit, target.place, mention.count), target, look=at)
        if mentions[at].is_one_more and mentions[at].count > 1 and not mentions[at].colour:  # "two more bees"
            for place in mentions[at].places:
                many = edit.items[place].thing.count + mentions[at].count
                yield Change("count by", _counted(edit, place, many), Referent(place, at), look=at)
        if mentions[at].colour:  # "octopus purple crab red": a colour before one name can be that of another
            for target in targets:
                if target.mention not in (None, at):
                    order = ("make", *_called(edit, target.place), *(mentions[at].colour or "").split())
                    yield Change("colour", order, target, look=at)
    yield from _of_targets(edit, mentions, targets, relations, sides)
    yield from _placed_otherwise(edit, mentions, news, targets)
    if _LIKEWISE & set(words):
        yield from _matched(edit, targets)
    if _AS_IT_WAS & set(words):
        yield from _as_they_were(edit, targets)
    yield from _handed(edit, targets)
    yield from _restored(edit, mentions)
    for at, one in enumerate(mentions):
        if one.kind == "colour":
            yield of_whole("background", one, at)
            if len(edit.items) > 1:
                yield Change("colour all", ("make", "everything", *one.words), look=at)
        if one.kind == "size" and len(edit.items) > 1:
            yield Change("size all", ("make", "everything", sized(one.words)), look=at)
        if one.kind in ("style", "time"):
            yield of_whole(one.kind, one, at)


def of_whole(kind: Literal["background", "style", "time"], mention: Mention, at: int) -> Change:
    """Return a change of the whole picture by a mention of a colour, a style or a time, whose place is ``at``."""
    words = mention.words
    if kind == "background":
        return Change("background", ("make", "the", "background", *words), look=at)
    if kind == "style":
        return Change("style", (*words, "style"), look=at)
    return Change("time", ("at", *(("daytime",) if words == ("day",) else words)), look=at)


BACK, NEW = Change("back", ("go", "back")), Change("new", ("draw", "anew"))
"""What a request can ask for instead of a change; they make no picture of this one."""


def _arriving(
    edit: Edit,
    mentions: Sequence[Mention],
    at: int,
    apart: tuple[int, ...],
    targets: Sequence[Referent],
    relations: Sequence[int],
    sides: Sequence[int],
) -> Iterator[Change]:
    named = new_thing(mentions[at], [mentions[place] for place in apart])
    yield Change("add", ("add", *named), new=at, apart=apart)
    for side in sides:
        yield Change("add to side", ("put", *named, *mentions[side].words), new=at, look=side, apart=apart)
        if beside := side_of(mentions[side]):
            for target in targets:
                if target.mention != at:
                    order = ("put", *named, *beside, *_called(edit, target.place))
                    yield Change("add at", order, target, at, None, side, apart=apart)
    for place, one in enumerate(mentions):
        if one.kind == "background":
            order = ("add", *named, "in", "the", "background")
            yield Change("add behind all", order, new=at, look=place, apart=apart)
    for target in targets:
        if target.mention == at:
            continue
        who = _called(edit, target.place)
        yield Change("give", ("give", *who, *named), target, at, apart=apart)
        yield Change("replace", ("replace", *who, "with", *named), target, at, apart=apart)
        for relation in relations:
            how = relation_said(mentions[relation])
            yield Change("add at", ("put", *named, *how, *who), target, at, None, relation, apart=apart)
            yield Change("move", ("put", *who, *how, *named), target, at, None, relation, apart=apart)


def _said_apart(mentions: Sequence[Mention], at: int) -> Iterator[tuple[int, ...]]:
    """Yield which mentions may say the colour and number of a new thing behind its name: "a gift, a red one"."""
    yield ()
    behind = range(at + 1, min(at + 1 + MOST_APART, len(mentions)))
    colours = [place for place in behind if mentions[place].kind == "colour" and not mentions[at].colour]
    sizes = [place for place in behind if mentions[place].kind == "size" and not mentions[at].size]
    numbers = [
        place
        for place in behind
        if mentions[place].kind == "number" and not mentions[at].count and number_of(mentions[place].words[0]) > 1
    ]
    yield from ((place,) for place in (*colours, *sizes, *numbers))
    yield from ((number, colour) for number in numbers for colour in colours)
    yield from ((colour, size) for colour in colours for size in sizes)


def _of_targets(
    edit: Edit,
    mentions: Sequence[Mention],
    targets: Sequence[Referent],
    relations: Sequence[int],
    sides: Sequence[int],
) -> Iterator[Change]:
    for target in targets:
        who = _called(edit, target.place)
        thing = edit.items[target.place].thing
        yield Change("remove", ("remove", *who), target)
        if target.mention is not None and len(edit.items) > 1:
            yield Change("only", ("only", *who), target)
        several = ("make", "one", "of", *who) if thing.count > 1 else ()
        yield Change("add alike", ("add", "another", *thing.phrase.split()), target)
        for at, one in enumerate(mentions):
            if one.kind == "colour":
                yield Change("colour", ("make", *who, *one.words), target, look=at)
                yield Change("add alike", ("add", "another", *one.words, *thing.phrase.split()), target, look=at)
                if several:
                    yield Change("colour one", (*several, *one.words), target, look=at)
            elif one.kind == "size":
                yield Change("size", ("make", *who, sized(one.words)), target, look=at)
                if several:
                    yield Change("size one", (*several, sized(one.words)), target, look=at)
            elif one.kind == "number" and (factor := FACTORS.get(one.words[0])):
                if (many := factor * thing.count).is_integer():
                    yield Change("multiply", _counted(edit, target.place, int(many)), target, look=at)
            elif one.kind == "number" and number_of(one.words[0]) != thing.count:
                yield Change("count", _counted(edit, target.place, number_of(one.words[0])), target, look=at)
        if target.mention is not None or not any(one.kind == "size" for one in mentions):
            yield Change("grow", ("make", *who, "bigger"), target)  # behind what a mentioned size asks for
            yield Change("shrink", ("make", *who, "smaller"), target)
        if thing.count > 1:
            yield Change("count", _counted(edit, target.place, thing.count - 1), target)
        yield Change("count", _counted(edit, target.place, thing.count + 1), target)
        for at, one in enumerate(mentions):
            if one.kind == "number" and number_of(one.words[0]) > 1:
                for by in (number_of(one.words[0]), -number_of(one.words[0])):
                    if thing.count + by > 0:
                        yield Change("count by", _counted(edit, target.place, thing.count + by), target, look=at)
        for side in sides:
            yield Change("move to side", ("put", *who, *mentions[side].words), target, look=side)
        for other in targets:
            if other.place == target.place:
                continue
            if target.place < other.place:
                yield Change("swap", ("swap", *who, "and", *_called(edit, other.place)), target, other=other)
                if target.mention is not None and other.mention is not None and len(edit.items) > 2:
                    yield Change("only", ("only", *who, "and", *_called(edit, other.place)), target, other=other)
            there = _called(edit, other.place)
            for relation in relations:
                order = ("put", *who, *relation_said(mentions[relation]), *there)
                yield Change("move", order, target, relation=relation, other=other)
            for side in sides:
                if beside := side_of(mentions[side]):
                    yield Change("move", ("put", *who, *beside, *there), target, relation=side, other=other)
            for at, one in enumerate(mentions):
                if one.kind == "size" and (size := sized(one.words)) in ("bigger", "smaller"):
                    yield Change("compare", ("make", *who, size, "than", *there), target, look=at, other=other)
            colour = edit.items[other.place].thing.colour
            if colour and colour != thing.colour and None not in (target.mention, other.mention):
                yield Change("match", ("make", *who, *colour.split()), target, other=other)


_LIKEWISE = frozenset(["same", "likewise", "alike", "also", "too", "match", "matching", "matches", "ditto"])
"""Words by which one thing gets the colour of another that is not named."""
_AS_IT_WAS = frozenset(
    ["colour", "color", "coloured", "colored", "uncoloured", "uncolored", "uncolour", "uncolor", "plain", "normal",
     "regular", "original", "natural", "usual", "was", "were", "own", "ordinary", "default", "paint", "again", "back",
     "wasn't", "not", "no", "isn't", "doesn't", "don't", "never", "real", "actual"]
)  # fmt: skip
"""Words by which a thing loses its colour or its size."""


def _matched(edit: Edit, targets: Sequence[Referent]) -> Iterator[Change]:
    """Yield changes by which a thing gets another's colour that the request does not name: "the hat too"."""
    for target in targets:
        thing = edit.items[target.place].thing
        for place, item in enumerate(edit.items):
            colour = item.thing.colour
            if target.mention is not None and colour and colour != thing.colour:
                order = ("make", *_called(edit, target.place), *colour.split())
                yield Change("match", order, target, other=Referent(place, None))


def _as_they_were(edit: Edit, targets: Sequence[Referent]) -> Iterator[Change]:
    """Yield changes by which a thing has its own colour again, or its usual size."""
    for target in targets:
        thing, who = edit.items[target.place].thing, _called(edit, target.place)
        if thing.colour:
            yield Change("uncolour", (*who, "without", "colour"), target)
        if thing.size != "normal":
            yield Change("resize", ("make", *who, "normal", "size"), target)


def _handed(edit: Edit, targets: Sequence[Referent]) -> Iterator[Change]:
    """Yield changes by which a thing of the picture gets another that is there: "let the dog have the ball"."""
    for thing in targets:
        if thing.mention is None or edit.items[thing.place].thing.count > 1:
            continue
        for owner in targets:
            if owner.place != thing.place and owner.mention != thing.mention:
                order = ("give", *_called(edit, owner.place), *_called(edit, thing.place))
                yield Change("hand", order, owner, other=thing)


MOST_GONE = 4
"""Things of earlier pictures that may be brought back, the latest first."""


def _restored(edit: Edit, mentions: Sequence[Mention]) -> Iterator[Change]:
    """Yield changes by which a thing of an earlier picture, which this one lacks, is there again."""
    there = {item.thing.phrase for item in edit.items}
    gone: dict[str, Item] = {}
    for scene in reversed(edit.past):
        for item in items_of(scene):
            if item.thing.phrase not in there:
                gone.setdefault(item.thing.phrase, item)
    pronoun = next((at for at, one in enumerate(mentions) if one.kind == "pronoun"), None)
    for phrase, item in islice(gone.items(), MOST_GONE):
        name = plural(phrase) if item.thing.count > 1 else phrase
        named = [at for at, one in enumerate(mentions) if one.kind == "thing" and matching(list(one.words), [item])]
        order = ("bring", "back", "the", *name.split())
        yield Change("restore", order, new=named[0]) if named else Change("restore", order, look=pronoun)


def _placed_otherwise(
    edit: Edit, mentions: Sequence[Mention], news: Sequence[int], targets: Sequence[Referent]
) -> Iterator[Change]:
    """Yield changes by which a thing comes between two others, or on the side where there is nothing yet."""
    arriving = [at for at in news if mentions[at].before[:1] != ("the",) or not mentions[at].places]
    for at, one in enumerate(mentions):
        if one.kind == "between":
            for first, other in combinations(targets, 2):
                if first.place < other.place:
                    both = (*_called(edit, first.place), "and", *_called(edit, other.place))
                    for new in arriving:
                        if new not in (first.mention, other.mention):
                            order = ("put", *new_thing(mentions[new]), "between", *both)
                            yield Change("add between", order, first, new, None, at, other)
                    for third in targets:
                        if third.place not in (first.place, other.place) and third.mention is not None:
                            order = ("put", *_called(edit, third.place), "between", *both)
                            yield Change("move between", order, third, None, None, at, other)
        elif one.kind == "other side":
            for relation in edit.scene.relations:
                if relation.kind in ("left of", "right of", "beside"):
                    yield from _opposite(edit, mentions, at, relation, arriving, targets)


def _opposite(
    edit: Edit,
    mentions: Sequence[Mention],
    at: int,
    relation: Relation,
    arriving: Sequence[int],
    targets: Sequence[Referent],
) -> Iterator[Change]:
    """Yield changes by which a thing comes to the other side of one that has another beside it.

    Args:
        edit: of the picture.
        mentions: of the request; that of the other side is at ``at``.
        at: see above.
        relation: by which the two stand side by side; of two that are beside each other, the first is on the left.
        arriving: mentions of things that may come.
        targets: what of the picture may be meant.
    """
    kind: RelationKind = "left of" if relation.kind == "beside" else relation.kind
    inverse = INVERSE[kind]
    left, right = relation.subject[0], relation.anchor[0]
    for target in targets:
        if target.place not in (left, right):
            continue
        beside, turned = (right, inverse) if target.place == left else (left, kind)
        flipped = ("put", *_called(edit, target.place), *_in_words(turned), *_called(edit, beside))
        yield Change("move opposite", flipped, target, None, None, at, Referent(beside, None))
        how = (*_in_words(inverse if target.place == right else kind), *_called(edit, target.place))
        for new in arriving:
            if new != target.mention:
                yield Change("add opposite", ("put", *new_thing(mentions[new]), *how), target, new, None, at)
        for third in targets:
            if third.place not in (left, right) and third.mention is not None:
                yield Change("move opposite", ("put", *_called(edit, third.place), *how), third, None, None, at, target)


def _referents(edit: Edit, mentions: Sequence[Mention]) -> list[Referent]:
    """Return what of the picture may be meant: what is named, and all of it where a pronoun or nothing names it."""
    free = [at for at in range(len(edit.items)) if not is_setting(edit.items, at)] or list(range(len(edit.items)))
    found = [Referent(place, at) for at, one in enumerate(mentions) for place in one.places if not one.is_one_more]
    pronouns = [at for at, one in enumerate(mentions) if one.kind == "pronoun"]
    found += [Referent(place, at) for at in pronouns[:2] for place in free]
    found += [Referent(place, None) for place in free]
    return found


def _called(edit: Edit, place: int) -> tuple[str, ...]:
    thing = edit.items[place].thing
    alike = [item for item in edit.items if item.thing.phrase == thing.phrase]
    name = plural(thing.phrase) if thing.count > 1 else thing.phrase
    colour = thing.colour if len(alike) > 1 and thing.colour else ""
    return ("the", *colour.split(), *name.split())


def _counted(edit: Edit, place: int, count: int) -> tuple[str, ...]:
    phrase = edit.items[place].thing.phrase
    return ("make", "it", str(count), *(plural(phrase) if count > 1 else phrase).split())


def relation_said(mention: Mention) -> tuple[str, ...]:
    """Return how a mentioned relation is said in an order: "to", "the", "left", "of"."""
    assert mention.relation is not None
    return _in_words(mention.relation)


def _in_words(relation: RelationKind) -> tuple[str, ...]:
    return tuple(RELATION_WORDS.get(relation, relation).split())


def new_thing(mention: Mention, apart: Sequence[Mention] = ()) -> tuple[str, ...]:
    """Return a thing that comes with what makes it one: "a red hat", "3 owls", "another dog".

    Args:
        mention: of the thing.
        apart: of its colour and number, where these stand elsewhere.
    """
    said = phrases()
    behind = {one.kind: one.words for one in apart}
    colour = list(behind.get("colour", (mention.colour or "").split()))
    size = [_AS_AN_ADJECTIVE.get(sized(behind["size"]), "small")] if "size" in behind else []
    size = size or ([SIZES[mention.size]] if mention.size else [])
    many = number_of(behind["number"][0]) if "number" in behind else mention.count
    several = singular(mention.words[-1]) != mention.words[-1]
    if {"another", "second", "third", "more", "extra", "other"} & set(mention.before) and many < 2:
        first = ["another"]
    elif many > 1:
        first = [str(many)]
    elif {"some", "several", "few", "couple"} & set(mention.before) or (several and not many):
        first = ["two"] if "couple" in mention.before else ["some"] if mention.words[-1] not in said.pairs else []
    else:
        first = []
    name = [*size, *colour, *(word for word in mention.words if word not in ARTICLES)]
    one = many < 2 and not first and not several
    return (*([article(name[0])] if one else first), *name)


_AS_AN_ADJECTIVE = {"bigger": "large", "smaller": "small", "big": "large", "large": "large", "huge": "large"}
_SIDES: dict[str, tuple[str, ...]] = {
    "left": ("to", "the", "left", "of"),
    "right": ("to", "the", "right", "of"),
    "top": ("above",),
    "above": ("above",),
    "overhead": ("above",),
    "bottom": ("below",),
}


def side_of(mention: Mention) -> tuple[str, ...]:
    """Return how what is put to a side of the picture stands to a thing that is there: "left", to the left of it.

    Empty for the middle and for corners.
    """
    found = [how for side, how in _SIDES.items() if side in mention.words]
    return found[0] if len(found) == 1 else ()


def compound(edit: Edit, mentions: Sequence[Mention], singles: Sequence[Change]) -> Iterator[Proposal]:
    """Yield changes that belong together, however many: lists of changes, each thing its colour, colours exchanged."""
    yield from _in_order(mentions, singles)
    for one, other in combinations(range(len(edit.items)), 2):
        first, second = edit.items[one].thing.colour, edit.items[other].thing.colour
        if first and second and first != second:
            yield tuple(
                Change("swap colours", ("make", *_called(edit, place), *colour.split()), Referent(place, None))
                for place, colour in ((one, second), (other, first))
            )
    colours = [at for at, mention in enumerate(mentions) if mention.kind == "colour"]
    for place, item in enumerate(edit.items):
        if 1 < item.thing.count == len(colours):
            yield _each_its_own(edit, place, mentions, colours)


_ORDINALS = ("first", "second", "third", "fourth")


def _each_its_own(edit: Edit, place: int, mentions: Sequence[Mention], colours: Sequence[int]) -> Proposal:
    """Return the changes by which each of several things gets a colour."""
    name = edit.items[place].thing.phrase.split()
    return tuple(
        Change("colour each", ("make", "the", which, *name, *mentions[at].words), Referent(place, None), look=at)
        for which, at in zip(_ORDINALS, colours, strict=False)
    )


MOST_IN_ORDER = 60
"""Lists of changes that one request is cut into."""
MOST_PARTS = 5
"""Changes of one such list."""
_OF_ONE_MENTION = frozenset(["remove", "add", "grow", "shrink", "uncolour", "resize", "restore"])
"""Changes that such a list has though they are made of one mention."""
_OF_NO_WEIGHT = frozenset(["pronoun", "relation", "number"])
"""Kinds of mentions that a list of changes may leave out."""


def _in_order(mentions: Sequence[Mention], singles: Sequence[Change]) -> Iterator[Proposal]:
    """Yield the ways to cut a request into changes of neighbouring mentions: "cat red, dog blue, bird green"."""
    starting: dict[int, list[tuple[int, Change]]] = {}
    for change in sorted(singles, key=lambda one: one.new is not None):  # looks of what is named come first
        used = change.used
        in_one = change.look is not None and change.target is not None and change.look == change.target.mention
        if len(used) < (1 if in_one or change.kind in _OF_ONE_MENTION else 2):
            continue
        first, last = min(used), max(used)
        if all(at in used or mentions[at].kind in _OF_NO_WEIGHT for at in range(first, last)):
            starting.setdefault(first, []).append((last + 1, change))

    def cut(at: int, parts: Proposal) -> Iterator[Proposal]:
        if at == len(mentions):
            if len(parts) > 1:
                yield parts
            return
        if len(parts) < MOST_PARTS:
            for end, change in starting.get(at, ()):
                if change.order not in {one.order for one in parts}:
                    yield from cut(end, (*parts, change))
        if mentions[at].kind in _OF_NO_WEIGHT:
            yield from cut(at + 1, parts)

    yield from islice(cut(0, ()), MOST_IN_ORDER)


def together(singles: Sequence[Change]) -> Iterator[Proposal]:
    """Yield pairs and triples of changes that are made of different words, and leave what they change."""
    told = [change for change in singles if change.used]
    for count in range(2, MOST_TAKEN_TOGETHER + 1):
        for several in combinations(told, count):
            used = [at for change in several for at in _own(change)]
            distinct = len(used) == len(set(used)) and len({change.order for change in several}) == count
            if distinct and not any(_takes_from(one, other) for one, other in permutations(several, 2)):
                yield several


def _takes_from(change: Change, other: Change) -> bool:
    """Tell whether a change takes away a thing that another is about."""
    if change.kind not in ("remove", "replace") or change.target is None:
        return False
    return change.target.place in {who.place for who in (other.target, other.other) if who is not None}


def _own(change: Change) -> list[int]:
    """Return the mentions that a change shares with no other: two may be done to one thing."""
    shared = change.target.mention if change.target is not None and change.kind not in ("remove", "replace") else None
    return [at for at in change.used if at != shared or change.kind in ("remove", "replace")]
