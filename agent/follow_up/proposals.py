"""Changes that a request can mean, put together from what it mentions; ``likelihood`` tells which it does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.mentions import Mention, sized
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import is_setting
from imagerag.prompt_grammar.inflection import plural, singular
from imagerag.prompt_grammar.noun_phrase import article
from imagerag.prompt_grammar.vocabulary import ARTICLES, RELATION_WORDS, number_of

ChangeKind = Literal[
    "add", "add at", "add to side", "give", "replace", "remove", "remove some", "only", "colour", "background", "size",
    "count", "move", "move to side", "style", "time",
]  # fmt: skip
MOST_TAKEN_TOGETHER = 3
"""Changes that one request asks for at most."""


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
        look: the mention of the colour, size, number, side, style or time.
        relation: the mention of how it is to stand.
        other: the thing that the target is moved to.
        order: the change as the grammar of changes reads it.
    """

    kind: ChangeKind
    order: tuple[str, ...]
    target: Referent | None = None
    new: int | None = None
    look: int | None = None
    relation: int | None = None
    other: Referent | None = None

    @property
    def used(self) -> frozenset[int]:
        """Places of the mentions of which it is made."""
        of_things = [one.mention for one in (self.target, self.other) if one is not None]
        return frozenset(at for at in (self.new, self.look, self.relation, *of_things) if at is not None)


Proposal = tuple[Change, ...]
"""Changes that are made one after the other."""


def proposals_of(edit: Edit, mentions: Sequence[Mention]) -> Iterator[Change]:
    """Yield each change that can be made of the mentions."""
    news = [at for at, one in enumerate(mentions) if one.kind == "thing"]
    targets = _referents(edit, mentions)
    relations = [at for at, one in enumerate(mentions) if one.kind == "relation"]
    sides = [at for at, one in enumerate(mentions) if one.kind == "side"]
    for at in news:
        named = new_thing(mentions[at])
        if mentions[at].before[:1] != ("the",) or not mentions[at].places:
            yield from _arriving(edit, mentions, at, named, targets, relations, sides)
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
    yield from _of_targets(edit, mentions, targets, relations, sides)
    for at, one in enumerate(mentions):
        if one.kind == "colour":
            yield Change("background", ("make", "the", "background", *one.words), look=at)
        if one.kind == "style":
            yield Change("style", (*one.words, "style"), look=at)
        if one.kind == "time":
            yield Change("time", ("at", *one.words), look=at)


def _arriving(
    edit: Edit,
    mentions: Sequence[Mention],
    at: int,
    named: tuple[str, ...],
    targets: Sequence[Referent],
    relations: Sequence[int],
    sides: Sequence[int],
) -> Iterator[Change]:
    yield Change("add", ("add", *named), new=at)
    for side in sides:
        yield Change("add to side", ("put", *named, *mentions[side].words), new=at, look=side)
    for target in targets:
        if target.mention == at:
            continue
        who = _called(edit, target.place)
        yield Change("give", ("give", *who, *named), target, at)
        yield Change("replace", ("replace", *who, "with", *named), target, at)
        for relation in relations:
            yield Change("add at", ("put", *named, *_relation(mentions[relation]), *who), target, at, None, relation)
            yield Change("move", ("put", *who, *_relation(mentions[relation]), *named), target, at, None, relation)


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
        for at, one in enumerate(mentions):
            if one.kind == "colour":
                yield Change("colour", ("make", *who, *one.words), target, look=at)
            elif one.kind == "size":
                yield Change("size", ("make", *who, sized(one.words)), target, look=at)
            elif one.kind == "number" and number_of(one.words[0]) != thing.count:
                yield Change("count", _counted(edit, target.place, number_of(one.words[0])), target, look=at)
        if thing.count > 1:
            yield Change("count", _counted(edit, target.place, thing.count - 1), target)
        yield Change("count", _counted(edit, target.place, thing.count + 1), target)
        for side in sides:
            yield Change("move to side", ("put", *who, *mentions[side].words), target, look=side)
        for other in targets:
            if other.place == target.place:
                continue
            for relation in relations:
                order = ("put", *who, *_relation(mentions[relation]), *_called(edit, other.place))
                yield Change("move", order, target, relation=relation, other=other)


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


def _relation(mention: Mention) -> tuple[str, ...]:
    assert mention.relation is not None
    return tuple(RELATION_WORDS.get(mention.relation, mention.relation).split())


def new_thing(mention: Mention) -> tuple[str, ...]:
    """Return a thing that comes with what makes it one: "a red hat", "3 owls", "another dog"."""
    said = phrases()
    colour = (mention.colour or "").split()
    size = [mention.size] if mention.size else []
    many = mention.count
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


def together(edit: Edit, singles: Sequence[Change]) -> Iterator[Proposal]:
    """Yield pairs and triples of changes that are made of different words."""
    told = [change for change in singles if change.used]
    for count in range(2, MOST_TAKEN_TOGETHER + 1):
        for several in combinations(told, count):
            used = [at for change in several for at in _own(change)]
            if len(used) == len(set(used)) and len({change.order for change in several}) == count:
                yield several


def _own(change: Change) -> list[int]:
    """Return the mentions that a change shares with no other: two may be done to one thing."""
    shared = change.target.mention if change.target is not None and change.kind not in ("remove", "replace") else None
    return [at for at in change.used if at != shared or change.kind in ("remove", "replace")]
