"""Conversations written by hand, each turn with what has to come of it: ``benchmarks/follow_ups_*.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from imagerag.assets.library import bundled_library
from imagerag.prompt_grammar.inflection import plural
from imagerag.prompt_grammar.noun_phrase import article
from imagerag.prompt_grammar.vocabulary import COLOURS, SIZES, STYLES, Size

Kind = Literal["change", "new", "talk", "unclear"]
"""``unclear``: nobody can tell what is wanted, so that asking is right."""
PlaceKind = Literal[
    "left of", "right of", "in front of", "behind", "above", "below", "beside", "inside", "on", "bigger than",
    "smaller than",
]  # fmt: skip
PLACE_KINDS: tuple[PlaceKind, ...] = get_args(PlaceKind)
FOLDER = Path(__file__).parents[1] / "benchmarks"
Collection = Literal[
    "development",
    "varied",
    "varied2",
    "varied3",
    "varied4",
    "varied5",
    "varied6",
    "varied7",
    "varied8",
    "varied9",
    "varied10",
    "varied11",
    "varied12",
    "varied13",
    "varied14",
    "varied15",
    "varied16",
    "varied17",
    "varied18",
    "varied19",
    "varied20",
    "varied21",
    "varied22",
    "varied23",
    "varied24",
    "varied25",
    "varied26",
    "varied27",
    "varied28",
    "varied29",
    "varied30",
    "varied31",
    "varied32",
    "varied33",
    "varied34",
    "varied35",
    "varied36",
    "varied37",
    "varied38",
    "varied39",
    "varied40",
    "test",
]
"""Two halves of one collection, of which "test" is kept apart from what is tuned, and further ones to tune on."""
COLLECTIONS: tuple[Collection, ...] = get_args(Collection)
HALVES: tuple[Collection, ...] = ("development", "test")


@dataclass(frozen=True)
class Thing:
    """What is to be seen.

    Attributes:
        name: as the person calls it.
        count: how many of it.
        colour: a key of ``COLOURS``; ``None`` where it has none of its own.
        size: as said.
    """

    name: str
    count: int = 1
    colour: str | None = None
    size: Size = "normal"

    @classmethod
    def read(cls, text: str, names: Mapping[str, tuple[str, ...]]) -> Thing:
        """Read "2 small red balloon".

        Args:
            text: count, size and colour if any, and a name.
            names: that no library has, with those that stand for them.

        Raises:
            ValueError: no name that is known.
        """
        words, count, colour = text.split(), 1, None
        size: Size = "normal"
        if words[0].isdigit():
            count, words = int(words[0]), words[1:]
        if words[0] in SIZES and " ".join(words) not in library_names():
            size, words = SIZES[words[0]], words[1:]
        for length in (2, 1):
            head, rest = " ".join(words[:length]), " ".join(words[length:])
            if head in COLOURS and rest and " ".join(words) not in library_names():
                colour, words = head, words[length:]
                break
        name = " ".join(words)
        if name not in names and name not in library_names():
            raise ValueError(f"{name!r} of {text!r} is neither in the library nor under [called]")
        return cls(name, count, colour, size)


class Place(NamedTuple):
    """How one thing stands to another; both as the list of things calls them."""

    subject: str
    kind: PlaceKind
    anchor: str

    @classmethod
    def read(cls, text: str) -> Place:
        """Read "crown on dog".

        Raises:
            ValueError: no relation that is known.
        """
        for kind in PLACE_KINDS:
            subject, found, anchor = text.partition(f" {kind} ")
            if found:
                return cls(subject, kind, anchor)
        raise ValueError(f"{text!r} names no place; valid: {', '.join(PLACE_KINDS)}")


@dataclass(frozen=True)
class Wanted:
    """A picture.

    Attributes:
        things: all that has to be there, and nothing else but ``Turn.may_show``.
        places: how they stand.
        background: a key of ``COLOURS``, where it was asked for.
        style: one of ``STYLES``, where it was asked for.
        plain: the same as a prompt that needs no conversation.
    """

    things: tuple[Thing, ...]
    places: tuple[Place, ...]
    background: str | None
    style: str | None
    plain: str


@dataclass(frozen=True)
class Turn:
    """One request of a conversation, and what has to come of it.

    Attributes:
        say: the request.
        kind: what it is.
        goes_on_from: number of the turn, from 1, whose picture it is about; 0 for a new picture.
        wanted: the pictures that are right, the likeliest first; of a turn that draws nothing, the one that stays.
        stays: names of the things that are in the picture before, too, and have to be as they were.
        absent: names of what must not be there.
        says: each a choice of words, "night|dark", of which the prompt has to have one.
        unsaid: words that the prompt must not have.
        draws: whether anything is drawn at all.
        fresh: whether pixels that the conversation has shown before are wrong.
        pictures: how many different ones are asked for at least.
        zoom: where the things have to be smaller ("out") than before.
        may_ask: the request leaves room enough that asking is right, too.
        may_show, may_lack: words of things that may be there, and names of things that need not.
        upload: a picture of the person's: the concept that it shows, and what the person calls it.
    """

    say: str
    kind: Kind
    goes_on_from: int
    wanted: tuple[Wanted, ...]
    stays: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    draws: bool = True
    fresh: bool = False
    pictures: int = 1
    zoom: Literal["out", ""] = ""
    may_ask: bool = False
    may_show: tuple[str, ...] = ()
    may_lack: tuple[str, ...] = ()
    upload: tuple[str, str] | None = None

    @property
    def goes_back(self) -> bool:
        """Whether an earlier picture is asked for as it is."""
        return self.kind == "change" and not self.draws


class Conversation(NamedTuple):
    """A thread.

    Attributes:
        name: unique among all collections.
        turns: the first opens it; the others are follow-ups.
    """

    name: str
    turns: tuple[Turn, ...]


class Corpus(NamedTuple):
    """One collection of the conversations.

    Attributes:
        conversations: in no order.
        called: names that no library has, each with the concepts that show it.
    """

    conversations: tuple[Conversation, ...]
    called: Mapping[str, tuple[str, ...]]

    def concepts_of(self, name: str, upload: tuple[str, str] | None = None) -> tuple[str, ...]:
        """Return the library's concepts that show what has this name."""
        if upload and name == upload[1]:
            return (upload[0],)
        return self.called.get(name, (name,))


@lru_cache(maxsize=1)
def library_names() -> frozenset[str]:
    """Return the names of all that the bundled library has."""
    return frozenset(concept.name for concept in bundled_library().concepts)


def read_corpus(half: Collection) -> Corpus:
    """Read and check one half, or the further collection.

    Raises:
        ValueError: it has what can't be right: an unknown name, place, colour, style or turn.
    """
    data = tomllib.loads((FOLDER / f"follow_ups_{half}.toml").read_text(encoding="utf-8"))
    called = {name: tuple(concepts) for name, concepts in data["called"].items()}
    for name, concepts in called.items():
        if unknown := set(concepts) - library_names():
            raise ValueError(f"[called] {name}: {sorted(unknown)} are not in the library")
    conversations = tuple(_conversation(entry, called) for entry in data["conversations"])
    return Corpus(conversations, called)


def _conversation(entry: Mapping[str, Any], called: Mapping[str, tuple[str, ...]]) -> Conversation:
    names = dict(called)
    turns: list[Turn] = []
    for number, record in enumerate(entry["turns"], 1):
        if upload := record.get("upload"):
            names[upload["called"]] = (upload["shows"],)
        turn = _turn(_completed(record, number, turns), names)
        if turn.goes_on_from >= number:
            raise ValueError(f"{entry['name']}: turn {number} can't go on from {turn.goes_on_from}")
        turns.append(turn)
    return Conversation(entry["name"], tuple(turns))


_LISTS = ("stays", "absent", "says", "unsaid", "may_show", "may_lack")
_PLAIN = ("draws", "fresh", "pictures", "zoom", "may_ask")


def _completed(record: Mapping[str, Any], number: int, before: Sequence[Turn]) -> dict[str, Any]:
    """Return a turn's record with what goes without saying: where it goes on from, and what stays.

    A turn goes on from the one before it, unless it is a new picture; what both have in the same look is to stay; a
    turn that draws nothing leaves the picture as it was.
    """
    filled: dict[str, Any] = {"from": 0 if record["kind"] == "new" else number - 1, **record}
    old = before[filled["from"] - 1].wanted[0] if filled["from"] else None
    if record["kind"] in ("talk", "unclear"):
        filled.setdefault("draws", False)
    if "things" not in record and old is not None:
        filled["things"] = [_told(thing) for thing in old.things]
        filled["places"] = [" ".join(place) for place in old.places]
        filled |= {key: value for key in ("background", "style") if (value := getattr(old, key))}
    if old is not None and record["kind"] == "change" and filled.get("draws", True):
        stay = {_told(thing): thing.name for thing in old.things}
        filled.setdefault("stays", [stay[text] for text in filled["things"] if text in stay])
    return filled


def _told(thing: Thing) -> str:
    """Return a thing as ``Thing.read`` reads it."""
    count = str(thing.count) if thing.count > 1 else ""
    size = "" if thing.size == "normal" else thing.size
    return " ".join(filter(None, (count, size, thing.colour, thing.name)))


PREPOSITIONS: Mapping[PlaceKind, str] = {
    "left of": "to the left of",
    "right of": "to the right of",
    "in front of": "in front of",
    "behind": "behind",
    "above": "above",
    "below": "below",
    "beside": "next to",
    "inside": "inside",
    "on": "on",
}


def phrase_of(thing: Thing) -> str:
    """Return a thing with its article or number: "two small red balloons"."""
    looks = " ".join(filter(None, ("" if thing.size == "normal" else thing.size, thing.colour)))
    if thing.count > 1:
        return f"{_NUMBERS[thing.count]} {looks} {plural(thing.name)}".replace("  ", " ")
    named = f"{looks} {thing.name}".strip()
    return f"{article(named)} {named}"


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _in_plain_words(things: Sequence[Thing], places: Sequence[Place], background: str | None, style: str | None) -> str:
    """Return a prompt that names a turn's things, each where the first of its places says."""
    phrases = {thing.name: phrase_of(thing) for thing in things}
    parts, told = list[str](), set[str]()
    for place in places:
        if place.subject not in told and place.anchor not in told and place.kind in PREPOSITIONS:
            told |= {place.subject, place.anchor}
            parts.append(f"{phrases[place.subject]} {PREPOSITIONS[place.kind]} {phrases[place.anchor]}")
    parts += [phrase_of(thing) for thing in things if thing.name not in told]
    ground = f" on a {background} background" if background else ""
    return " and ".join(parts) + ground + (f", {style}" if style else "")


def _turn(record: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> Turn:
    upload = record.get("upload")
    wanted = [_wanted(one, names) for one in (record, *record.get("alternatives", ()))]
    others: dict[str, Any] = {name: tuple(record[name]) for name in _LISTS if name in record}
    others |= {name: record[name] for name in _PLAIN if name in record}
    return Turn(
        say=record["say"],
        kind=_member(record["kind"], get_args(Kind)),
        goes_on_from=record.get("from", 0),
        wanted=tuple(wanted),
        upload=(upload["shows"], upload["called"]) if upload else None,
        **others,
    )


def _wanted(record: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> Wanted:
    things = tuple(Thing.read(text, names) for text in record["things"])
    places = tuple(Place.read(text) for text in record.get("places", ()))
    for place in places:
        for name in (place.subject, place.anchor):
            find(things, name)
    background, style = record.get("background"), record.get("style")
    return Wanted(
        things,
        places,
        background and _member(background, tuple(COLOURS)),
        style and _member(style, STYLES),
        record.get("plain") or _in_plain_words(things, places, background, style),
    )


def find(things: Sequence[Thing], name: str) -> Thing:
    """Return what is called so.

    Raises:
        ValueError: none is, or more than one.
    """
    found = [thing for thing in things if thing.name == name]
    if len(found) != 1:
        raise ValueError(f"{name!r} names {len(found)} of {[thing.name for thing in things]}")
    return found[0]


def _member(value: str, choices: Sequence[str]) -> Any:
    if value not in choices:
        raise ValueError(f"{value!r} is none of {', '.join(choices)}")
    return value
