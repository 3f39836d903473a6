"""Verbs with a subject: "an owl sits on a log" is "an owl on a log", and "grandpa has a hat" is "grandpa with a hat".

Words that are nouns as well ("fruit flies", "three stands") are verbs only where the noun phrase before is complete and
agrees with them.
"""

import tomllib
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.modifiers import LISTED, direction_begins, is_falling_light, reading
from imagerag.prompt_grammar.participles import is_adverb, is_participle, is_particle
from imagerag.prompt_grammar.verbs import (
    BE,
    RELATIVE,
    has_thing,
    is_determiner,
    is_joined,
    is_object_preposition,
    is_transitive,
    participle_of,
    third_person,
)
from imagerag.prompt_grammar.vocabulary import ARTICLES, CONNECTORS, PATHS, SIZES, Joint, colour_of, number_of

Form = Literal["third", "plain", "past"]

_HAVE = frozenset(["has", "have", "had"])
_ONE = frozenset(["a", "an", "one", "1", "this", "that", "each", "every", "another"])
_REFERRING = frozenset(["it", "he", "she", "they"])
_PRESENTING = frozenset(
    [
        *("there's", "here's", "there are", "there is", "there was", "there were", "here is"),
        *("here are", "here comes", "here come", "we see", "you see", "i see"),
        *("we can see", "you can see", "i can see", "there once was", "once there was", "there can be seen"),
    ]
)
"""What only says that something is to be seen."""
_LONGEST_PRESENTING = 3
_PLACES = frozenset(["in", "on", "inside", "above", "below", "beside", "behind", "in front of"])
_LONGEST_PLACE = 9
"""Words of the longest place before what is there: "at the bottom of the deep blue sea there is a wreck"."""
_OTHER_SIDE = {"left": "right", "right": "left"}


class _Form(NamedTuple):
    form: Form
    participle: str
    is_sure: bool


class Finite(NamedTuple):
    """A verb with a subject.

    Attributes:
        length: how many tokens it takes.
        instead: a word that the token behind these is to be read as; empty where it stays.
        joint: how what follows stands to the subject, behind a way; else ``None``, and what follows says it.
        said: the words of the way.
        look: a colour or size that the subject is said to have.
    """

    length: int
    instead: str = ""
    joint: Joint | None = None
    said: str = ""
    look: str = ""


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    data = tomllib.loads((Path(__file__).parent / "finite.toml").read_text(encoding="utf-8"))
    return {name: frozenset(data[name]) for name in ("manners", "attributive", "talk")}


@lru_cache(maxsize=1)
def _forms() -> dict[str, _Form]:
    data = tomllib.loads((Path(__file__).parent / "finite.toml").read_text(encoding="utf-8"))
    forms: dict[str, _Form] = {}
    for name in ("unsure", "sure_in_third_person", "sure"):
        for verb in data[name]:
            participle = participle_of(verb)
            forms[verb] = _Form("plain", participle, name == "sure")
            forms[third_person(verb)] = _Form("third", participle, name != "unsure")
    for past, verb in data["past"].items():
        forms[past] = _Form("past", participle_of(verb), is_sure=True)
    return forms


def finite_at(
    tokens: Sequence[str], position: int, held: Sequence[str], names: Collection[str], connector: str
) -> Finite | None:
    """Return the verb that starts here, if one does and the words before it are its subject.

    Args:
        tokens: of the prompt.
        position: of the token that is looked at.
        held: the words since the last connector.
        names: that are known.
        connector: the last connector; behind "and" a subject is one of several.
    """
    if not held and connector in LISTED:
        return _going_on(tokens, position)
    if not has_thing(held) or held[-1] in ARTICLES or any(word in _lists()["talk"] for word in held):
        return None
    relative = tokens[position] in RELATIVE
    start = position + relative
    word = tokens[start] if start < len(tokens) else ""
    if word in _HAVE:
        return _having(tokens, position, start)
    if word in BE:
        return _being(tokens, position, start, held)
    form = _forms().get(word)
    if form is None or not (relative or _agrees(held, form, names, connector)):
        return None
    return _doing(tokens, position, start, form)


def _going_on(tokens: Sequence[str], position: int) -> Finite | None:
    """Read a second verb of one subject: "a bird comes and sits on the roof", "a dog wears a hat and has a ball"."""
    if tokens[position] in ("has", "had") and is_determiner("".join(tokens[position + 1 : position + 2])):
        return _having(tokens, position, position)
    form = _forms().get(tokens[position])
    if form is None or not form.is_sure or form.form == "plain":
        return None
    return _doing(tokens, position, position, form)


def _having(tokens: Sequence[str], position: int, start: int) -> Finite | None:
    start += tokens[start + 1 : start + 2] == ["got"]
    following = tokens[start + 1] if start + 1 < len(tokens) else ","
    if following in CONNECTORS or following in ("been", "to", "had") or is_participle(following):
        return None
    return Finite(start - position, "with")


def _being(tokens: Sequence[str], position: int, start: int, held: Sequence[str]) -> Finite | None:
    """Read "is on", and "is sleeping" and "is red" where that is all."""
    behind = _behind_manners(tokens, start + 1)
    following = tokens[behind] if behind < len(tokens) else ","
    if _joins(tokens, behind):
        return Finite(behind - position)
    if way := _way(tokens, behind):
        return Finite(behind + way.length - position, joint=way.joint, said=way.said)
    if (following in SIZES or colour_of(following)) and _ends(tokens, behind + 1):
        return Finite(behind + 1 - position, look=following)
    if not is_participle(following) or _is_light(held, following):
        return None
    after = _behind_manners(tokens, behind + 1)
    return Finite(after - position) if _ends(tokens, after) else None


def _is_light(held: Sequence[str], participle: str) -> bool:
    """Tell whether the words say how a picture is lit or processed."""
    bare = [word for word in held if word not in ARTICLES]
    return bool(is_falling_light([*bare, participle]) or reading([*bare, participle]) or reading(bare))


def _doing(tokens: Sequence[str], position: int, start: int, form: _Form) -> Finite | None:
    behind = start + 1
    following = tokens[behind] if behind < len(tokens) else ","
    if is_joined(form.participle, following):
        return Finite(start - position, form.participle)
    if following == "from" and direction_begins(["it", *tokens[behind : behind + 3]]):
        return Finite(behind - position)
    if form.form == "past" and is_determiner(following):
        return Finite(start - position, form.participle) if is_transitive(form.participle) else None
    behind = _behind_manners(tokens, behind)
    if _ends(tokens, behind) or _joins(tokens, behind):
        return Finite(behind - position)
    if way := _way(tokens, behind):
        return Finite(behind + way.length - position, joint=way.joint, said=way.said)
    return None


def _behind_manners(tokens: Sequence[str], start: int) -> int:
    """Return where the adverbs and particles that start here end: "sits down", "shines brightly"."""
    while start < len(tokens) and not (_joins(tokens, start) or _way(tokens, start)):
        word = tokens[start]
        if not (word in _lists()["manners"] or is_adverb(word) or is_particle(word)):
            break
        start += 1
    return start


def _ends(tokens: Sequence[str], position: int) -> bool:
    return position >= len(tokens) or tokens[position] == "," or tokens[position] in LISTED


def _joins(tokens: Sequence[str], position: int) -> bool:
    """Tell whether a preposition starts here, behind which something stands."""
    for length in (4, 3, 2, 1):
        said = " ".join(tokens[position : position + length])
        if said in CONNECTORS and CONNECTORS[said] != "and":
            return not _ends(tokens, position + length)
    return False


class _Way(NamedTuple):
    joint: Joint
    said: str
    length: int


def _way(tokens: Sequence[str], position: int) -> _Way | None:
    """Return the way along which something moves, where a thing follows it: "through the desert", "to a house"."""
    for length in (2, 1):
        said = " ".join(tokens[position : position + length])
        if _ends(tokens, position + length):
            continue
        if said in PATHS:
            return _Way(PATHS[said], said, length)
        if length == 1 and is_object_preposition(said) and is_determiner(tokens[position + 1]):
            return _Way("beside", said, 1)
    return None


def _agrees(held: Sequence[str], form: _Form, names: Collection[str], connector: str) -> bool:
    """Tell whether words that are a noun phrase are the subject of a verb, of which they might be a part."""
    if form.is_sure:
        return True
    first, noun = held[0], held[-1]
    bare = " ".join(word for word in held if word not in ARTICLES and not number_of(word))
    many, known = singular(noun) != noun, bare in names or singular(bare) in names
    if form.form == "third":
        if "of" in held:
            return many or known
        if first in _ONE:
            return not many or noun in names
        return first in ARTICLES and known and not many
    if many:
        counted = any(map(number_of, held)) or first in ARTICLES
        return noun not in _lists()["attributive"] and (counted or known or not names)
    return known and ((connector in LISTED and first in _ONE) or any(number_of(word) > 1 for word in held))


def may_be_verb(word: str) -> bool:
    """Tell whether a plural might be read as a verb behind "a": "fruit flies" are not "a fruit flies"."""
    form = _forms().get(word)
    return form is not None and form.form == "third"


def with_look(held: Sequence[str], look: str) -> list[str]:
    """Return a noun phrase with a colour or size before the noun: "the red car" of "the car" and "red"."""
    at = next((at for at, word in enumerate(held) if word not in ARTICLES and not number_of(word)), len(held))
    return [*held[:at], look, *held[at:]]


def refers(held: Sequence[str]) -> bool:
    """Tell whether the words of a subject are only for what was named before: "it sits on a log"."""
    return len(held) == 1 and held[0] in _REFERRING


def presented(tokens: Sequence[str], position: int) -> int:
    """Return how many tokens only say that something is to be seen: 2 at "there is"; none where nothing follows."""
    for length in range(_LONGEST_PRESENTING, 0, -1):
        if " ".join(tokens[position : position + length]) in _PRESENTING and not _ends(tokens, position + length):
            return length
    return 0


def in_order(tokens: Sequence[str]) -> list[str]:
    """Return the tokens with what is somewhere before the place: "a dog in the garden" of "in the garden is a dog"."""
    parts = list(_parts(tokens))
    ordered: list[str] = []
    at = 0
    while at < len(parts):
        part, behind = parts[at], parts[at + 1] if at + 1 < len(parts) else []
        if sides := _side_by_side(part, behind):
            part, at = sides, at + 1
        elif _is_place(part) and (shown := presented(behind, 0)):
            part, at = [*behind[shown:], *part], at + 1
        else:
            part = _in_a_row(_turned(part))
        ordered += [*part, ","] if at + 1 < len(parts) else part
        at += 1
    return ordered


def _parts(tokens: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for token in tokens:
        if token == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _place_begins(part: Sequence[str]) -> int:
    """Return how many tokens the preposition takes with which a part begins; 0 where none says a place."""
    for length in (4, 3, 2, 1):
        said = " ".join(part[:length])
        if length <= len(part) and CONNECTORS.get(said) in _PLACES and said != "riding":
            return length
    return 0


def _is_place(part: Sequence[str]) -> bool:
    begins = _place_begins(part)
    return 0 < begins < len(part) <= _LONGEST_PLACE and not any(token in CONNECTORS for token in part[begins:])


def _turned(part: list[str]) -> list[str]:
    """Return a part with the place behind what is there, where it begins with the place."""
    begins = _place_begins(part)
    if not begins:
        return part
    for at in range(begins + 1, min(len(part) - 1, _LONGEST_PLACE)):
        if part[at] in CONNECTORS:
            return part
        shown = presented(part, at)
        form = _forms().get(part[at])
        stands = part[at] in BE or (form is not None and form.form != "plain")
        if shown or (stands and is_determiner(part[at + 1]) and part[at - 1] not in ARTICLES):
            return [*part[at + (shown or 1) :], *part[:at]]
    return part


def _in_a_row(part: list[str]) -> list[str]:
    """Return "a cat to the left of a ball to the left of a dog" of "a ball between a cat and a dog".

    And the same of "a ball between two cats", which are one on each side.
    """
    if part.count("between") != 1:
        return part
    at = part.index("between")
    begins = max((place + 1 for place in range(at) if part[place] in CONNECTORS), default=0)
    middle, sides = part[begins:at], part[at + 1 :]
    while middle and (is_participle(middle[-1]) or middle[-1] in ("right", "in", "is", "stands", "sits")):
        middle.pop()
    joints = [place for place, token in enumerate(sides) if token in CONNECTORS]
    two = len(sides) > 1 and number_of(sides[0]) == 2
    if not has_thing(middle):
        return part
    if two:
        end = joints[0] if joints else len(sides)
        first = second = ["a", *sides[1 : end - 1], singular(sides[end - 1])]
    elif joints and sides[joints[0]] in LISTED and is_determiner(sides[0]):
        end = joints[1] if len(joints) > 1 else len(sides)
        first, second = sides[: joints[0]], sides[joints[0] + 1 : end]
    else:
        return part
    if not (has_thing(first) and has_thing(second)):
        return part
    return [*part[:begins], *first, *_LEFT_OF, *middle, *_LEFT_OF, *second, *sides[end:]]


_LEFT_OF = ("to", "the", "left", "of")


def _side_by_side(part: Sequence[str], behind: Sequence[str]) -> list[str]:
    """Return "a cat to the left of a dog" of "on the left a cat" and "on the right a dog"; else nothing."""
    behind = behind[1:] if behind[:1] in (["and"], ["&"]) else behind
    side = part[2] if part[:2] == ["on", "the"] and len(part) > 3 else ""
    if side not in _OTHER_SIDE or list(behind[:3]) != ["on", "the", _OTHER_SIDE[side]] or part[3] == "of":
        return []
    first, second = (_shown(told[3:]) for told in (part, behind))
    return [*first, "to", "the", side, "of", *second] if first and second else []


def _shown(words: Sequence[str]) -> list[str]:
    length = presented(words, 0) or (bool(words) and words[0] in BE)
    return list(words[length:])
