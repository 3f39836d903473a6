"""What a first request can ask for: things that it mentions, as they are said to look and stand; the rest is talk."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, islice, product
from typing import Literal, NamedTuple

import numpy as np

from imagerag.agent.follow_up.changes import clause, misread
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.likelihood import Request
from imagerag.agent.follow_up.mentions import Mention, is_no_name, mentions_of
from imagerag.agent.follow_up.proposals import Change, Proposal, new_thing, of_whole, relation_said
from imagerag.agent.follow_up.ranking import MOST_MADE, Reading, Scores, shows_alike
from imagerag.agent.follow_up.scene_edit import CannotChange
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import number_of

LONGEST = 60
"""Words of the longest request that is read so."""
MOST_MENTIONS = 14
MOST_ALL = 5
"""Things named of which all choices are weighed; of more, those next to each other, but for one."""
MOST_ARRANGED = 48
"""Ways in which the things of one choice look and stand."""
MOST_WEIGHED = 1500
_LOOKS = ("colour", "size", "number")
LEAST_LIKELY = 0.02
"""Probability below which a proposal isn't made."""


def openings(edit: Edit, words: Sequence[str]) -> tuple[Request, list[Proposal]]:
    """Return a first request for weighing, and all that it can ask for; nothing where it names no thing.

    Args:
        edit: of no picture.
        words: of the request.
    """
    mentions = mentions_of(edit, words)
    things = [at for at, one in enumerate(mentions) if one.kind == "thing"]
    if not things or len(mentions) > MOST_MENTIONS or len(words) > LONGEST:
        return Request(edit, words, mentions), []
    found = (one for kept in _choices(things) for one in islice(_arranged(mentions, kept), MOST_ARRANGED))
    return Request(edit, words, mentions), list(dict.fromkeys(islice(found, MOST_WEIGHED)))


def _choices(things: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield which of the things are asked for, the most first."""
    if len(things) <= MOST_ALL:
        for many in range(len(things), 0, -1):
            yield from combinations(things, many)
        return
    for many in range(len(things), 0, -1):
        for start in range(len(things) - many + 1):
            run = tuple(things[start : start + many])
            yield run
            yield from (run[:at] + run[at + 1 :] for at in range(1, many - 1))


class _Part(NamedTuple):
    """What becomes of a mention that is no thing; ``thing`` is the place of the one that it is said of.

    Attributes:
        kind: "look", "at", "side", or that of a change of the whole picture; empty: it is talk.
        anchor: what ``thing`` stands to.
    """

    kind: Literal["look", "at", "side", "background", "style", "time", ""] = ""
    thing: int = -1
    anchor: int = -1


def _arranged(mentions: Sequence[Mention], kept: Sequence[int]) -> Iterator[Proposal]:
    """Yield the ways in which these things can look and stand by the other mentions."""
    others = [at for at, one in enumerate(mentions) if one.kind not in ("thing", "pronoun", "background", "between")]
    for parts in product(*(_parts(mentions, kept, at) for at in others)):
        if (proposal := _put_together(mentions, kept, dict(zip(others, parts, strict=True)))) is not None:
            yield proposal


def _parts(mentions: Sequence[Mention], kept: Sequence[int], at: int) -> list[_Part]:
    """Return what can become of a mention that is no thing, the likeliest first."""
    before, behind = [one for one in reversed(kept) if one < at], [one for one in kept if one > at]
    near = [*before[:1], *behind[:1]]
    kind = mentions[at].kind
    if kind == "relation":
        # "A dog on a mat", "a mat with a dog on it", "on a mat: a dog", "a mat and on it a dog".
        pairs = [(*before[:1], *behind[:1]), tuple(before[:2]), tuple(reversed(behind[:2])), (*behind[:1], *before[:1])]
        meant = [(before[0], one) for one in _referred_to(mentions, before, at)]
        return [*(_Part("at", *pair) for pair in dict.fromkeys((*meant, *pairs)) if len(pair) == 2), _Part()]
    if kind in _LOOKS:
        whole = [_Part("background")] if kind == "colour" and _is_of_background(mentions, at) else []
        return [*whole, *(_Part("look", one) for one in near), _Part()]
    if kind == "side":
        return [*(_Part("side", one) for one in near), _Part()]
    return [_Part(kind), _Part()] if kind in ("style", "time") else [_Part()]


def _referred_to(mentions: Sequence[Mention], before: Sequence[int], at: int) -> list[int]:
    """Return the things that the words behind a relation may be, where these name nothing new.

    "It", of "a school with a tree on its left and a bus in front of it", and "the school", in its place.
    """
    behind = mentions[at + 1] if at + 1 < len(mentions) else None
    if behind is None or behind.kind == "pronoun":
        return list(before[1:])
    return [one for one in before[1:] if behind.kind == "thing" and mentions[one].words == behind.words]


def _is_of_background(mentions: Sequence[Mention], at: int) -> bool:
    return any(one.kind == "background" for one in (*mentions[max(0, at - 1) : at], *mentions[at + 1 : at + 2]))


def _put_together(mentions: Sequence[Mention], kept: Sequence[int], parts: Mapping[int, _Part]) -> Proposal | None:
    """Return the changes by which a picture of these things begins; ``None`` where parts don't go together."""
    looks = {one: [at for at, part in parts.items() if part.kind == "look" and part.thing == one] for one in kept}
    stands = {part.thing: at for at, part in parts.items() if part.kind in ("at", "side")}
    if sum(part.kind in ("at", "side") for part in parts.values()) > len(stands):
        return None
    found = list[Change]()
    for thing in kept:
        mention, apart = mentions[thing], tuple(looks[thing])
        kinds = [mentions[at].kind for at in apart]
        said = {"colour": mention.colour, "size": mention.size, "number": mention.count}
        if len(set(kinds)) < len(kinds) or any(said[kind] for kind in kinds):
            return None
        named = new_thing(mention, [mentions[at] for at in apart])
        at = stands.get(thing)
        if at is None:
            found.append(Change("open", named, new=thing, apart=apart))
        elif parts[at].kind == "side":
            found.append(Change("open to side", (*named, *mentions[at].words), new=thing, look=at, apart=apart))
        else:
            found.append(Change("open at", named, new=thing, look=parts[at].anchor, relation=at, apart=apart))
    for at, part in parts.items():
        if part.kind in ("background", "style", "time"):
            found.append(of_whole(part.kind, mentions[at], at))
    return tuple(found)


def drawn_as(edit: Edit, mentions: Sequence[Mention], proposal: Proposal) -> str | None:
    """Return the prompt of the picture that begins so; ``None`` where it can't be made.

    Args:
        edit: of no picture.
        mentions: of the request.
        proposal: one of its ``openings``.
    """
    changes = {change.new: change for change in proposal if change.new is not None}
    picture: Edit | None = None
    for order in _orders(mentions, changes):
        if picture is None:
            picture = Edit.of(" ".join(order), edit.names, edit.known)
            picture.reader = clause
            if not picture.items or misread(picture, []):
                return None
        elif not _is_made(picture, order):
            return None
    if picture is None or not all(_is_made(picture, change.order) for change in proposal if change.new is None):
        return None
    try:
        return picture.described()
    except CannotChange:
        return None


def _is_made(picture: Edit, order: Sequence[str]) -> bool:
    before = list(picture.items)
    try:
        return clause(picture, list(order)) and not misread(picture, before)
    except CannotChange:
        return False


def _orders(mentions: Sequence[Mention], changes: Mapping[int, Change]) -> Iterator[Sequence[str]]:
    """Yield the first thing's name, and orders that put the others to it: each behind what it stands to."""
    left, placed = list(changes.values()), list[int | None]()
    while left:
        ready = (one for one in left if one.kind != "open at" or one.look in placed)
        change = next(ready, left[0])
        left.remove(change)
        if change.kind == "open to side":
            yield change.order if not placed else ("put", *change.order)
        elif not placed:
            yield change.order
        elif change.kind == "open at" and change.look in placed and change.relation is not None:
            how, anchor = relation_said(mentions[change.relation]), changes[change.look or 0].order
            yield ("put", *change.order, *how, *_the(anchor))
        else:
            yield ("add", *change.order)
        placed.append(change.new)


def _the(named: Sequence[str]) -> tuple[str, ...]:
    """Return a thing's name as that of one that is there."""
    first = named[0]
    counted = first in ("a", "an", "some", "another") or number_of(first)
    return ("the", *(named[1:] if counted else named))


def first_readings(edit: Edit, words: Sequence[str], network: Scores) -> list[Reading]:
    """Return what a first request can ask for, the likeliest first.

    Args:
        edit: of no picture.
        words: of the request.
        network: weighs what is proposed.
    """
    request, proposals = openings(edit, words)
    if not proposals:
        return []
    scores = network(request, proposals, np.zeros(len(proposals)))
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    found: dict[str, Reading] = {}
    for at in [int(place) for place in np.argsort(-shares, kind="stable")[:MOST_MADE]]:
        prompt = drawn_as(edit, request.mentions, proposals[at])
        if prompt is None or shares[at] < LEAST_LIKELY:
            continue
        before = found[prompt].probability if prompt in found else 0.0
        found[prompt] = Reading(prompt, before + float(shares[at]), (prompt,))
    return sorted(found.values(), key=lambda one: -one.probability)


def likelier(edit: Edit, words: Sequence[str], ruled: str, known: Collection[str], network: Scores) -> Reading | None:
    """Return what a first request asks for where rules read it otherwise, and hardly right; else ``None``.

    Args:
        edit: of no picture.
        words: of the request.
        ruled: the prompt that rules make of it.
        known: names of things.
        network: weighs what is proposed.
    """
    scene = parse_scene(ruled, edit.names)
    if scene.unwanted or scene.notes or any(not said.startswith("at ") for said in scene.modifiers):
        return None  # a prompt as photographers and other tools have them, and nothing said to somebody
    phrases = [thing.phrase for thing in scene.objects]
    unknown = [phrase for phrase in phrases if phrase not in known and singular(phrase) not in known]
    odd = not phrases or any(is_no_name(phrase, known) for phrase in unknown)
    if unknown and not odd:
        return None  # a name that nobody knows, as "a wug"
    ways = first_readings(edit, words, network)
    if not ways or shows_alike(ruled, ways[0].prompt, edit):
        return None
    agreed = sum(way.probability for way in ways if shows_alike(ruled, way.prompt, edit))
    trusted = AS_RULED_AND_ODD if odd else AS_RULED
    return ways[0] if ways[0].probability > trusted + agreed else None


_SENTENCES = re.compile(r"[.!?:;\"()]+\s*")
_NUMBER_OF_A_NAME = re.compile(r"\d{3,}")
_OFTEN_CAPITAL = frozenset(
    ["i", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february", "march",
     "april", "may", "june", "july", "august", "september", "october", "november", "december", "english", "christmas",
     "halloween", "easter", "valentine"]
)  # fmt: skip


def names_one(request: str) -> bool:
    """Tell whether a request as typed names one person, place or event: "the mascot of the 2026 Winter Olympics".

    What such a name says can't be told by words that are known, so that none of them may be left out.
    """
    if _NUMBER_OF_A_NAME.search(request):
        return True
    inside = (word for sentence in _SENTENCES.split(request) for word in sentence.split()[1:])
    bare = (re.sub(r"[^A-Za-z].*", "", word) for word in inside)
    if request.upper() == request:
        return False
    return any(len(word) > 1 and word[0].isupper() and word.lower() not in _OFTEN_CAPITAL for word in bare)


AS_RULED = 0.97
"""Probability above which a first request is read otherwise than rules read it, all of whose things are known."""
AS_RULED_AND_ODD = 0.2
"""The same where one of these is no name."""
