"""Which picture of the thread a request speaks of: "undo", "go back to the first one", "the one with the boat"."""

import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import items_of
from imagerag.agent.follow_up.things import matching
from imagerag.agent.protocols import PastImage
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import Scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, colour_of, number_of

_PICTURE = r"(?:one|image|picture|drawing|version|pic|photo|try|attempt|variant)"
_NUMBERED = re.compile(
    rf"(?:(?:{_PICTURE}|number)(?: (?:number|no|nr))? ?#?-?(?P<number>\d{{1,4}})|#(?P<hash>\d{{1,4}}))$"
    r"|(?P<id>(?:image|message)-\d{1,6})$"
)
_NTH = re.compile(
    rf"^(?:very )?(?P<nth>{{nth}}|last|latest|previous|original|initial|beginning|start)(?: {_PICTURE})?$".replace(
        "{nth}",
        "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|1st|2nd|3rd|4th|5th|6th|7th|8th|9th|10th",
    )
)
_GIVING_BACK = ("bring back", "give me back", "restore")
"""What asks for a picture, or for a thing that was in one."""
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@lru_cache(maxsize=1)
def said_of_pictures() -> dict[str, Any]:
    """Read ``pictures.toml`` once per process; lists of phrases are sets, or the longest first where order counts."""
    data = tomllib.loads((Path(__file__).parent / "pictures.toml").read_text(encoding="utf-8"))
    longest = {name: tuple(sorted(data[name], key=len, reverse=True)) for name in ("back", "tails")}
    return {
        **{name: frozenset(data[name]) for name in ("undo", "redo", "fresh")},
        **longest,
        "again": tuple(re.compile(pattern) for pattern in data["again"]),
        "undoing": re.compile(data["undoing"]),
        "several": re.compile(data["several"]),
        "many": data["many"],
        "new": tuple(sorted((tuple(lead.split()) for lead in data["new"]["leads"]), key=len, reverse=True)),
        "of": tuple(tuple(lead.split()) for lead in data["new"]["of"]),
    }


MOST_CANDIDATES = 16
"""Variations that one request may ask for."""


class NoSuchPicture(Exception):
    """A request names a picture that the thread does not have; the message says which it has."""


class Pointed(NamedTuple):
    """A picture that a request names, and what of the request is left.

    Attributes:
        image: the picture.
        rest: words behind.
        found: whether the request names one.
    """

    image: PastImage
    rest: list[str]


@lru_cache(maxsize=4096)
def _scene_of(prompt: str) -> Scene:
    return parse_scene(prompt)


def is_undo(text: str) -> bool:
    return text in said_of_pictures()["undo"] or bool(said_of_pictures()["undoing"].fullmatch(text))


_STEPS_BACK = re.compile(
    r"(?:(?:can|could) (?:you|we) )?(?:(?:please|let's|now|ok|hm+|oh|no) ,? ?)*"
    r"(?:(?:go|step|move|jump|rewind|roll|take me|take|undo|revert|reverse|cancel)(?: back)?(?: it)?(?: by| the| my)?"
    r"(?: last| latest| previous)? )?"
    r"(?P<many>two|three|four|five|[2-9]|a couple of) "
    r"(?:steps?|changes?|edits?|turns?|times?|moves?|pictures?|versions?)"
    r"(?: (?:back|ago|earlier|before|please|again))*"
)
_UNDOS = re.compile(r"(?:undo|back|revert)(?: ,? ?(?:and )?(?:undo|back|revert))+")


def steps_back(text: str) -> int:
    """Return how many pictures a request goes back: 2 of "two steps back" and "undo, undo"; 0 where it says none."""
    if _UNDOS.fullmatch(text):
        return len(re.findall(r"undo|back|revert", text))
    found = _STEPS_BACK.fullmatch(text)
    if found is None or not re.search(r"\b(?:back|ago|undo|rewind|revert|reverse|cancel|earlier)\b", text):
        return 0
    return 2 if found["many"] == "a couple of" else number_of(found["many"])


def is_redo(text: str) -> bool:
    return text in said_of_pictures()["redo"]


def is_fresh_start(text: str) -> bool:
    return text in said_of_pictures()["fresh"]


def is_again(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern in said_of_pictures()["again"])


def variations(text: str) -> int:
    """Return how many variations are asked for; 0 if none are."""
    found = said_of_pictures()["several"].fullmatch(text)
    if not found:
        return 0
    many = found["many"]
    return int(many) if many.isdigit() else said_of_pictures()["many"][many]


def results(history: Sequence[PastImage]) -> list[PastImage]:
    """Return the images that turns returned, oldest first."""
    return [image for image in history if image.returned]


def pointed_at(words: Sequence[str], history: Sequence[PastImage], standing: PastImage | None) -> Pointed | None:
    """Return the picture that a request begins by naming: "go back to the first one and make it red".

    Raises:
        NoSuchPicture: it names one that is not there.
    """
    text = " ".join(words)
    lead = next((lead for lead in said_of_pictures()["back"] if text.startswith(f"{lead} ")), None)
    if lead is None:
        text = " ".join(word for word in words if word not in ARTICLES)
        found = _NTH.match(text)
        if found and (found["nth"] not in _ORDINALS or text != found["nth"]):
            return Pointed(_by_place(found["nth"], text, history, standing), [])
        exact = _numbered(words, history)
        return Pointed(exact, []) if exact else None
    behind = words[len(lead.split()) :]
    strong = lead not in (
        "take",
        "use",
        "with",
        "show",
        "show me",
        "i want",
        "i like",
        "keep",
        "from",
        "in",
        "pick",
        "choose",
        "work on",
        *_GIVING_BACK,
    )
    for cut in range(min(len(behind), 14), 0, -1):
        named, rest = list(behind[:cut]), list(behind[cut:])
        if rest and rest[0] not in (
            "and",
            ",",
            ".",
            ";",
            "but",
            "then",
            "with",
            "in",
            "again",
            "better",
            "please",
            "more",
            "instead",
            "most",
            "best",
            "though",
            "-",
            "on",
            "without",
            "as",
            "!",
        ):
            continue
        image = _named(named, history, standing, strong=strong)
        if image is not None:
            return Pointed(image, _without_tail(rest))
    if lead in _GIVING_BACK and standing is not None:
        image = _with_things(behind, history, standing, strong=True)
        if image is not None and not _names(image) & _names(standing):  # else the thing comes back, into this picture
            return Pointed(image, [])
    if strong and (missing := _names_a_picture(behind)):
        raise NoSuchPicture(f"{' '.join(missing)!r} names no picture of this conversation")
    return None


_STEPS = frozenset(["step", "steps", "change", "changes", "edit", "edits", "time", "times", "turn", "turns", "move",
                    "moves", "picture", "pictures", "image", "images"])  # fmt: skip
UNDOING = frozenset(["undo", "back", "revert", "rewind"])
"""Words that go a picture back, each time that they are said."""
_ALONE = frozenset(["just", "only", "alone", "plain", "bare", "single", "simple", "simply", "nothing"])
"""Words that say of a picture that little else is in it."""
_WITHOUT = frozenset(["without", "no", "not", "minus", "hadn't", "wasn't", "weren't", "didn't"])


def earlier_meant(words: Sequence[str], history: Sequence[PastImage], standing: PastImage) -> PastImage | None:
    """Return the picture to which a request surely goes back, in whatever words; ``None`` where there is none before.

    That of so many steps before, as often as it says "undo", before something came ("before the blue"), or the last
    that is likest to what it says: each word that one of the pictures' prompts has counts for those that have it, and
    against the others; of several alike "just" and the like means that with the fewest others. Without any such word it
    is the picture before.
    """
    steps = [number_of(word) for word, behind in pairwise(words) if behind in _STEPS and number_of(word) > 1]
    many = max([*steps, *(list(words).count(word) for word in UNDOING)])
    if many > 1:
        return back_by(many, history, standing)
    shown, by_id = _shown(history), {image.id: image for image in history}
    if standing.id not in shown or len(shown) < 2:
        return by_id.get(standing.before or "")
    if (nth := next((word for word in words if word in _ORDINALS), "")) and _ORDINALS.index(nth) < len(shown):
        return by_id[shown[_ORDINALS.index(nth)]]
    said = [singular(word) for word in words]
    told = {name: _words_of(by_id[name].prompt) for name in shown}
    known = set().union(*told.values())
    if "before" in said and (later := known & set(said[said.index("before") :])):
        came = next((at for at, name in enumerate(shown) if later <= told[name]), 0)
        return by_id.get(shown[came - 1] if came else standing.before or "")
    signs = {
        word: -1 if _WITHOUT & set(said[max(0, at - 2) : at]) else 1 for at, word in enumerate(said) if word in known
    }
    if not signs:
        return by_id.get(standing.before or "")
    others = [name for name in shown if name != standing.id]
    scores = {name: sum(sign * (1 if word in told[name] else -1) for word, sign in signs.items()) for name in others}
    fewest = bool(_ALONE & set(words))
    return by_id[max(others, key=lambda name: (scores[name], -len(told[name]) if fewest else 0, others.index(name)))]


def back_by(many: int, history: Sequence[PastImage], standing: PastImage) -> PastImage | None:
    """Return the picture so many before the one that stands, or the first; ``None`` where there is none before."""
    shown, by_id = _shown(history), {image.id: image for image in history}
    if standing.id not in shown or len(shown) < 2:
        return by_id.get(standing.before or "")
    return by_id[shown[max(0, shown.index(standing.id) - many)]]


def _shown(history: Sequence[PastImage]) -> list[str]:
    """Return the ids of the images that turns returned, each once, oldest first."""
    return list(dict.fromkeys(image.id for image in results(history)))


_JOINING = frozenset(["a", "an", "and", "the", "to", "of", "on", "in", "at", "with", "next", "left", "right", "front"])


def _words_of(prompt: str) -> set[str]:
    """Return the words by which a picture is told from others, in the singular."""
    return {singular(word) for word in re.findall(r"[a-z0-9'-]+", prompt.lower())} - _JOINING


def _without_tail(rest: Sequence[str]) -> list[str]:
    left = list(rest)
    while left and left[0] in (",", ".", ";", "and", "but", "then", "please", "!", "-"):
        left = left[1:]
    text = " ".join(left)
    for tail in said_of_pictures()["tails"]:
        if text == tail:
            return []
        if text.startswith((f"{tail} .", f"{tail} ,", f"{tail} and ")):
            return _without_tail(left[len(tail.split()) :])
    return left


def _names(image: PastImage) -> set[str]:
    return {thing.phrase for thing in _scene_of(image.prompt).objects}


def _names_a_picture(words: Sequence[str]) -> list[str]:
    inner = [word for word in words if word not in ARTICLES]
    first = inner[:2]
    text = " ".join(first)
    if _NTH.match(text) or _NUMBERED.match(text) or (first and _NUMBERED.match(first[0])):
        return first if len(first) > 1 and first[1] not in (",", "and", "but") else first[:1]
    return []


def _numbered(words: Sequence[str], history: Sequence[PastImage]) -> PastImage | None:
    found = _NUMBERED.match(" ".join(word for word in words if word not in ARTICLES))
    if not found:
        return None
    return _by_number(found, history)


def _by_number(found: re.Match[str], history: Sequence[PastImage]) -> PastImage:
    name = found["id"]
    number = found["number"] or found["hash"]
    images = [
        image for image in history if image.id == name or (number and image.id.partition("-")[2] == str(int(number)))
    ]
    if not images:
        raise NoSuchPicture(f"{found[0]!r} names no picture of this conversation")
    return images[0]


def _named(
    words: Sequence[str], history: Sequence[PastImage], standing: PastImage | None, *, strong: bool
) -> PastImage | None:
    inner = [word for word in words if word not in ARTICLES or word == "a"]
    text = " ".join(inner)
    if found := _NUMBERED.match(text):
        return _by_number(found, history)
    if found := _NTH.match(text):
        return _by_place(found["nth"], text, history, standing)
    return _with_things(words, history, standing, strong=strong)


def _by_place(nth: str, text: str, history: Sequence[PastImage], standing: PastImage | None) -> PastImage:
    shown = results(history)
    if nth in ("original", "initial", "beginning", "start"):
        return shown[0]
    if nth in ("last", "latest"):
        return shown[-1]
    if nth == "previous":
        before = next((image for image in shown if standing and image.id == standing.before), None)
        if before is None:
            raise NoSuchPicture("there is no picture before this one")
        return before
    place = _ORDINALS.index(nth) if nth in _ORDINALS else int(re.sub(r"\D", "", nth)) - 1
    # What a person counts is what turns returned; where these are too few, each drawing that was told counts.
    of = shown if place < len(shown) else history
    if place >= len(of):
        raise NoSuchPicture(f"{text!r} names no picture of this conversation")
    return of[place]


def _with_things(
    words: Sequence[str], history: Sequence[PastImage], standing: PastImage | None, *, strong: bool
) -> PastImage | None:
    """Return the last picture with what is named: "the blue one", "the one with just a frog"."""
    said = phrases()
    inner = [word for word in words if word not in ARTICLES]
    if not inner:
        return None
    if (
        inner[0] in said.picture
        and len(inner) > 1
        and inner[1] in ("with", "without", "of", "where", "on", "in", "that", "which", "showing")
    ):
        wanted, absent = inner[2:], inner[1] == "without"
    elif inner[-1] in said.picture and 1 < len(inner) <= 4:
        wanted, absent = inner[:-1], False
    elif (
        strong
        and len(inner) <= 3
        and inner[0] not in ("how", "before", "what", "just", "only")
        and not any(w.isdigit() or w in ("two", "three", "four", "normal") for w in inner)
    ):
        wanted, absent = inner, False
    else:
        return None
    only = bool(wanted) and wanted[0] in ("just", "only")
    wanted = [
        word
        for word in wanted
        if word not in ("just", "only", "has", "had", "have", "alone", "was", "is", "you", "drew")
    ]
    if not wanted:
        return None
    others = [image for image in reversed(results(history)) if standing is None or image.id != standing.id]
    for image in [*others, *([standing] if standing and strong else [])]:
        scene = _scene_of(image.prompt)
        items = items_of(scene)
        colour = colour_of(" ".join(wanted))
        if colour:
            has = any(item.thing.colour == colour for item in items) or scene.background == colour
            count = 1
        else:
            wanted_scene = parse_scene(" ".join(wanted))
            named = [matching(thing.phrase.split(), items) for thing in wanted_scene.objects]
            has = (
                bool(named)
                and all(named)
                and all(
                    not thing.colour or any(items[at].thing.colour == thing.colour for at in places)
                    for thing, places in zip(wanted_scene.objects, named, strict=True)
                )
            )
            count = len(named)
        if has != absent and not (only and len(items) != count):
            return image
    return None
