"""Which picture of the thread a request speaks of: "undo", "go back to the first one", "the one with the boat"."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import items_of
from imagerag.agent.follow_up.things import matching
from imagerag.agent.protocols import PastImage
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, colour_of

_UNDO = frozenset([
    "never mind that last change", "never mind the last change", "forget that last change", "nevermind that last change", "undo that last change", "undo the last turn", "take back the last change", "take the last change back", "ignore the last change", "ignore that", "no undo that", "please undo",     "undo", "undo that", "undo it", "undo this", "undo the last change", "undo the change", "undo last", "revert", "revert that", "revert it", "go back", "back", "go one back", "one back", "step back", "go back one step", "one step back", "take that back", "take it back", "cancel that", "cancel it", "cancel the last change", "never mind , undo", "ctrl z", "ctrl+z", "ctrl-z", "the previous one", "previous", "previous one", "go back to the previous one", "back to the previous one", "back to the last one", "go back to before", "as it was before", "like before", "put it back", "as before", "like it was before", "the way it was", "the way it was before", "restore it", "restore the previous one", "back to how it was", "roll back", "rollback", "undo my last change", "undo the last one", "forget the last change", "oops undo", "undo please", "no undo", "nevermind", "never mind", "scratch that", "change it back", "go back to the last one", "go back to the previous picture", "back to the previous picture", "back to the previous version", "go back to the previous version", "undo the last step", "reverse that", "reset that", "discard that", "discard the last change", "i liked the previous one better", "i liked it better before", "the previous one was better", "it was better before", "i preferred the previous one", "the last one was better", "the one before was better",
])  # fmt: skip
_REDO = frozenset(
    [
        "redo",
        "redo that",
        "redo it",
        "redo the change",
        "redo the last change",
        "undo the undo",
        "go forward",
        "forward",
        "forward again",
        "one forward",
        "bring it back",
        "undo that undo",
        "redo what i undid",
        "no bring it back",
    ]
)
_FRESH = frozenset(
    [
        "start over",
        "start again",
        "start anew",
        "start afresh",
        "restart",
        "reset",
        "begin again",
        "from scratch",
        "start from scratch",
        "clear",
        "new picture",
        "a new picture",
        "a new one",
        "new image",
        "something else",
        "something different",
        "something new",
        "something completely different",
        "forget it",
        "forget everything",
        "forget that",
        "let's start over",
        "begin from scratch",
        "new drawing",
        "next picture",
        "a different picture",
        "a new image",
    ]
)
_BACK = (
    "go back to",
    "back to",
    "return to",
    "take",
    "use",
    "with",
    "go to",
    "show me",
    "show",
    "give me back",
    "bring back",
    "i prefer",
    "i want",
    "i'd rather have",
    "i like",
    "continue with",
    "continue from",
    "go on with",
    "go on from",
    "revert to",
    "restore",
    "switch back to",
    "switch to",
    "i preferred",
    "i liked",
    "let's take",
    "pick",
    "choose",
    "i'll take",
    "keep",
    "based on",
    "from",
    "in",
    "undo to",
    "work on",
    "let's go back to",
    "start from",
)
_TAILS = (
    "better",
    "more",
    "again",
    "instead",
    "most",
    "the most",
    "best",
    "please",
    "use that",
    "take that",
    "use it",
    "and",
    "as a base",
    "as the base",
    "let's use that",
    "go with that",
)
_AGAIN = re.compile(
    r"^(?:(?:just |do it |do that |draw it |draw that |draw this |try it |try that |make it |paint it |the same |same thing |same |try )?(?:again|once more|once again|one more time|another time|anew|over again|afresh)"
    r"|redo(?: it| that| this| the (?:picture|image|drawing|pic))?|retry|repeat(?: it| that)?|reroll|re-roll|regenerate(?: it| that)?|redraw(?: it| that| the (?:picture|image))?|generate again|refresh"
    r"|(?:give me |show me |make |draw |i want |let me see |can i see |can i have |do |try )?(?:another|a different|one more|a new|yet another|the next|some other|an other|a fresh)(?: (?:one|image|picture|drawing|version|pic|variant|variation|try|take|attempt|go|render|shot|option|alternative|look|pose|interpretation|rendition))?"
    r"|(?:another|a different|one more|a new|a fresh) (?:try|take|attempt|version|variation|variant|go|one) (?:of|at|on) (?:it|that|this|the same|the (?:picture|image))"
    r"|different(?: (?:one|version|pose|look|seed|take))?|(?:the )?same(?: (?:picture|image|thing|prompt|one))? ?,? ?(?:but )?(?:a )?(?:different|another|new|other) (?:one|version|pose|look|seed|take|way|angle|style of drawing)|variation|a variation|variant|vary it|vary|surprise me|shuffle|(?:try |with |use )?(?:a |an ?)?(?:new|different|other|another) seed|next|next one|more|one more|more like this|more of the same|more of this|more of that|similar one|a similar one|something similar|do over|alternatives?|another option|draw a new version|make a new version|a new version|new version|mix it up|give it another (?:try|go|shot)|have another (?:try|go))$"
)  # fmt: skip
_SEVERAL = re.compile(
    r"^(?:(?:show me|give me|make|draw|generate|create|i want|i'd like|let me see|can i see|can i have|can i get|do|try|i need|produce) )?(?:me )?(?P<many>\d{1,3}|a few|a couple of|a couple|some|several|few|two|three|four|five|six|seven|eight|nine|ten|different|more)"
    r"(?: (?:different|more|other|new|further))* ?(?:variations?|variants?|versions?|alternatives?|options?|candidates?|images|pictures|drawings|takes|tries|of these pictures)(?: (?:of (?:it|that|this|them|the (?:picture|image|same))|please|to choose from))?$"
)  # fmt: skip
_MANY = {
    "a few": 4,
    "a couple of": 2,
    "a couple": 2,
    "some": 4,
    "several": 4,
    "few": 4,
    "different": 4,
    "more": 4,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
}
_PICTURE = r"(?:one|image|picture|drawing|version|pic|photo|try|attempt|variant)"
_NUMBERED = re.compile(
    rf"^(?:{_PICTURE}|number)(?: (?:number|no|nr))? ?#?-?(?P<number>\d{{1,4}})$|^#(?P<hash>\d{{1,4}})$|^(?P<id>(?:image|message)-\d{{1,6}})$"
)
_NTH = re.compile(
    rf"^(?:very )?(?P<nth>{{nth}}|last|latest|previous|original|initial|beginning|start)(?: {_PICTURE})?$".replace(
        "{nth}",
        "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|1st|2nd|3rd|4th|5th|6th|7th|8th|9th|10th",
    )
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
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


def is_undo(text: str) -> bool:
    return text in _UNDO


def is_redo(text: str) -> bool:
    return text in _REDO


def is_fresh_start(text: str) -> bool:
    return text in _FRESH


def is_again(text: str) -> bool:
    return bool(_AGAIN.match(text))


def variations(text: str) -> int:
    """Return how many variations are asked for; 0 if none are."""
    found = _SEVERAL.match(text)
    if not found:
        return 0
    many = found["many"]
    return int(many) if many.isdigit() else _MANY[many]


def results(history: Sequence[PastImage]) -> list[PastImage]:
    """Return the images that turns returned, oldest first."""
    return [image for image in history if image.returned]


def pointed_at(words: Sequence[str], history: Sequence[PastImage], standing: PastImage | None) -> Pointed | None:
    """Return the picture that a request begins by naming: "go back to the first one and make it red".

    Raises:
        NoSuchPicture: it names one that is not there.
    """
    text = " ".join(words)
    lead = next((lead for lead in sorted(_BACK, key=len, reverse=True) if text.startswith(f"{lead} ")), None)
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
    if strong and (missing := _names_a_picture(behind)):
        raise NoSuchPicture(f"{' '.join(missing)!r} names no picture of this conversation")
    return None


def _without_tail(rest: Sequence[str]) -> list[str]:
    left = list(rest)
    while left and left[0] in (",", ".", ";", "and", "but", "then", "please", "!", "-"):
        left = left[1:]
    text = " ".join(left)
    for tail in sorted(_TAILS, key=len, reverse=True):
        if text == tail:
            return []
        if text.startswith((f"{tail} .", f"{tail} ,", f"{tail} and ")):
            return _without_tail(left[len(tail.split()) :])
    return left


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
    place = _ORDINALS.index(nth) if nth in _ORDINALS else int(nth.rstrip("stndrdth")) - 1
    # What a person counts is what turns returned; where these are too few, each drawing that was told counts.
    of = shown if place < len(shown) else history
    if place >= len(of):
        raise NoSuchPicture(f"{text!r} names no picture of this conversation")
    return of[place]


def _with_things(
    words: Sequence[str], history: Sequence[PastImage], standing: PastImage | None, *, strong: bool
) -> PastImage | None:
    """Return the last picture with what is named: "the blue one", "the one with the boat", "the one with just the frog"."""
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
        scene = parse_scene(image.prompt)
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
