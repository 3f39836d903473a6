"""Cutting a prompt into clauses: at connectors, commas, and where a modifier is introduced."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from imagerag.prompt_grammar.finite import finite_at, in_order, presented, refers, with_look
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.modifiers import (
    INTRODUCTIONS,
    MAKERS,
    is_falling_light,
    is_gear,
    reading,
    uses,
    vocabulary,
)
from imagerag.prompt_grammar.noun_phrase import LONGEST_NAME
from imagerag.prompt_grammar.participles import is_participle, thing_ends
from imagerag.prompt_grammar.verbs import is_object_preposition, is_verb, posture_begins, verb_at
from imagerag.prompt_grammar.vocabulary import (
    ARTICLES,
    CONNECTORS,
    PATHS,
    POSTURES,
    SIZES,
    WITHOUT,
    Joint,
    colour_of,
    number_of,
)

_MARKS = "\"'()[]{}\u201c\u201d\u2018\u2019*_`"
_UNSPACED_COMMA = re.compile(r",(?=[^\s\d,])")
_LONGEST_CONNECTOR = max(len(connector.split()) for connector in CONNECTORS)
_CONNECTOR_STARTS = frozenset(connector.split()[0] for connector in CONNECTORS)
_LONGEST_INTRODUCED = 12
_BESIDE_GEAR = frozenset(["on", "with", "at"])
_OWNERS = frozenset(["his", "her", "its", "their", "my", "our", "your"])
_LONGEST_ARTIST = 4
"""Words of an artist's name."""


class Clause(NamedTuple):
    """Words between two connectors.

    Attributes:
        joint: how what the clause names stands to what was said before.
        connector: the words before it; empty at the start of the prompt.
        words: not empty; a known name or a term with a connector in it is one word.
        ends: the connector behind it; empty at the end of the prompt.
        artist: whether it is "by" somebody.
        absent: whether it names what is not to be seen.
    """

    joint: Joint
    connector: str
    words: list[str]
    ends: str = ","
    artist: bool = False
    absent: bool = False


def split_clauses(text: str, names: Collection[str]) -> Iterator[Clause]:
    """Cut at connectors, leaving known names whole, in one pass over the words."""
    tokens = in_order(_tokens(text))
    joint: Joint = "and"
    connector = ""
    held: list[str] = []
    yielded = False
    position = 0
    while position < len(tokens):
        name, length = _known(tokens, position, names) or _joined(tokens, position, bool(held))
        if name:
            held.append(name)
            position += length
            continue
        if not held and (shown := presented(tokens, position)):
            position += shown
            continue
        introduced, length = _introduced(tokens, position, held)
        if introduced:
            if held:
                yield Clause(joint, connector, held)
            yield Clause("and", ",", introduced)
            joint, connector, held, yielded = "and", ",", [], True
            position += length
            continue
        artist, length = _artist(tokens, position, held)
        if artist:
            while held and held[-1] in MAKERS:
                held.pop()
            if any(word not in ARTICLES for word in held):
                yield Clause(joint, connector, held)
            yield Clause("and", ",", [artist], artist=True)
            joint, connector, held, yielded = "and", ",", [], True
            position += length
            continue
        left_out, length = _left_out(tokens, position, held, names)
        if length:
            if held:
                yield Clause(joint, connector, _without_particle(held), ",")
                yielded = True
            for words in left_out:
                yield Clause("and", ",", words, absent=True)
            joint, connector, held = "and", ",", []
            position += length
            continue
        if told := finite_at(tokens, position, held, names, connector):
            position += told.length
            if told.instead:
                tokens[position] = told.instead
            if told.look:
                held = with_look(held, told.look)
            if yielded and refers(held):
                held = []
            if told.joint and held:
                yield Clause(joint, connector, held, told.said)
                yielded = True
            if told.joint:
                joint, connector, held = told.joint, told.said, []
            continue
        if held and held[-1] in _OWNERS and tokens[position] == "own":
            position += 1
            continue
        if doing := verb_at(tokens, position, held):
            if held:
                yield Clause(joint, connector, held, doing.said)
                yielded = True
            joint, connector, held = doing.kind, doing.said, []
            position += doing.length
            continue
        if leading := posture_begins(tokens, position, held):
            position += leading
            continue
        if _begins_anew(tokens, position, held, names):
            yield Clause(joint, connector, _without_particle(held), "and")
            joint, connector, held, yielded = "and", "and", [], True
        found, length = _connector(tokens, position)
        if held and is_verb(connector) and is_object_preposition(tokens[position]):
            found, length = "beside", 1
        if found is None and _thing_ends(held) < len(held) and not is_falling_light([*held, tokens[position]]):
            found, length = _path(tokens, position)
        if found is None:
            held.append(tokens[position])
            position += 1
            continue
        said = " ".join(tokens[position : position + length])
        ends = _thing_ends(held)
        if ends < len(held) and found != "and":
            # "An owl sitting on" and "an owl, sitting on", but not "a sitting on": that is all there is to draw.
            before = any(word not in ARTICLES for word in held[:ends])
            # "In Beijing at night" names a place.
            if before or (not ends and yielded and (connector == "," or held[-1] in POSTURES)):
                del held[ends:]
        if held:
            yield Clause(joint, connector, _without_particle(held), said)
            joint, connector, held, yielded = found, said, [], True
        elif joint == "and":
            joint, connector = found, said
        position += length
    if held:
        yield Clause(joint, connector, _without_particle(held), "")


def _begins_anew(tokens: Sequence[str], position: int, held: Sequence[str], names: Collection[str]) -> bool:
    """Tell whether a noun phrase begins right behind a known name, with nothing between them: "a bat a skull"."""
    if tokens[position] not in ("a", "an") or len(held) < 2 or held[0] not in ARTICLES:
        return False
    following = tokens[position + 1 : position + 2]
    name = " ".join(word for word in held[1:] if not colour_of(word) and word not in SIZES)
    return (name in names or singular(name) in names) and bool(following) and following != [","]


def _thing_ends(words: Sequence[str]) -> int:
    """``thing_ends``, but of a modifier as a whole nothing is left out: "zone focused at f/8"."""
    ends = thing_ends(words)
    return len(words) if 0 < ends < len(words) and reading(words) else ends


def _without_particle(words: list[str]) -> list[str]:
    """Leave out a participle with a particle or adverb, wherever it ends: "storm clouds gathering overhead"."""
    ends = _thing_ends(words)
    told = len(words) - ends > 1 and any(word not in ARTICLES for word in words[:ends])
    return words[:ends] if told else words


def _tokens(text: str) -> list[str]:
    """Words and commas; other marks at the edges of a word are left out; underscores join words, as in booru tags."""
    tokens: list[str] = []
    for word in _UNSPACED_COMMA.sub(", ", text).replace("|", " , ").split():
        bare = word.strip(_MARKS)
        core = bare.rstrip(",;.!?:")
        inner = core.strip("\"'()[]{}")
        if inner:
            tokens += [part for part in inner.split("_") if part] if "_" in inner else [inner]
        tokens += [","] if core != bare else []
    return tokens


def _connector(tokens: Sequence[str], position: int) -> tuple[Joint | None, int]:
    if tokens[position] in _CONNECTOR_STARTS:
        for length in range(min(_LONGEST_CONNECTOR, len(tokens) - position), 0, -1):
            found = CONNECTORS.get(" ".join(tokens[position : position + length]))
            if found:
                return found, length
    return None, 0


def _left_out(
    tokens: Sequence[str], position: int, held: Sequence[str], names: Collection[str]
) -> tuple[list[list[str]], int]:
    """The things that are not to be seen, "without a rider", and how many tokens that takes.

    "Or" and "nor" go on with them, and "and" where no article follows: "no cars and people", but "no rider and a dog".
    """
    length = next((k for k in (2, 1) if " ".join(tokens[position : position + k]) in WITHOUT), 0)
    if not length or (tokens[position] == "no" and held):  # "a dog no longer", "the no parking sign"
        return [], 0
    things: list[list[str]] = [[]]
    at = position + length
    while at < len(tokens):
        known, many = _known(tokens, at, names) or ("", 0)
        word = tokens[at]
        if known:
            things[-1].append(known)
            at += many
            continue
        following = tokens[at + 1] if at + 1 < len(tokens) else ","
        goes_on = word in ("and", "&") and following not in ARTICLES and not number_of(following) and following != "no"
        if things[-1] and (word in ("or", "nor") or goes_on) and following != ",":
            things.append([])
        elif _connector(tokens, at)[1] or word in ("but", "no"):
            break
        else:
            things[-1].append(word)
        at += 1
    kept = [words for words in things if any(word not in ARTICLES for word in words)]
    return (kept, at - position) if kept else ([], 0)


def _path(tokens: Sequence[str], position: int) -> tuple[Joint | None, int]:
    """What connects behind a participle alone: "walking through a forest", and else not."""
    for length in (2, 1):
        found = PATHS.get(" ".join(tokens[position : position + length]))
        if found and position + length < len(tokens):
            return found, length
    return None, 0


_BEFORE_AN_OBJECT = ARTICLES | _OWNERS
_JOINTS_OF_TWO = (" and ", " behind ")
"""What joins two things in the name of one: "hammer and wrench", "sun behind cloud"."""


def _known(tokens: Sequence[str], position: int, names: Collection[str]) -> tuple[str, int] | None:
    """The longest known name of several words that starts here, and how many tokens it takes."""
    if not names:
        return None
    for length in range(min(LONGEST_NAME, len(tokens) - position), 1, -1):
        part = tokens[position : position + length]
        if part[0] in ARTICLES or part[-1] in ARTICLES:
            continue
        bare = " ".join(word for word in part if word not in ARTICLES)
        parts = (bare.partition(joint) for joint in _JOINTS_OF_TWO)
        two = any(joint and first in names and second in names for first, joint, second in parts)
        if two and any(word in ARTICLES for word in part):
            continue  # "a hammer and a wrench" are two things, though "hammer and wrench" is one
        does = is_participle(part[-1]) and position + length < len(tokens)
        if does and tokens[position + length] in _BEFORE_AN_OBJECT:
            continue  # "a woman walking a dog" has two things, though "woman walking" is one
        if " " in bare and (bare in names or singular(bare) in names):
            return bare, length
    return None


def _joined(tokens: Sequence[str], position: int, inside: bool) -> tuple[str, int]:
    """A modifier with a connector in it that starts here: "black and white"; "holding hands" only as a clause."""
    if inside and tokens[position] in _CONNECTOR_STARTS:
        return "", 0
    for words in vocabulary().joined.get(tokens[position], ()):
        if tuple(tokens[position : position + len(words)]) == words:
            return " ".join(words), len(words)
    return "", 0


def _introduced(tokens: Sequence[str], position: int, held: Sequence[str]) -> tuple[list[str], int]:
    """The modifier behind "shot on", "during" and the like, and how many tokens all of it takes."""
    if held and "medium" in uses(f"{held[-1]} {tokens[position]}"):  # "medium shot with a drone"
        return [], 0
    start = position + 1
    if tokens[position] in _BESIDE_GEAR and is_gear(held):
        pass  # "Leica M6 on Tri-X", where more gear follows
    elif tokens[position] not in INTRODUCTIONS:
        if " ".join(tokens[position : position + 2]) not in INTRODUCTIONS:
            return [], 0
        start += 1
    while start < len(tokens) and tokens[start] in ARTICLES:
        start += 1
    end = start
    while end < min(len(tokens), start + _LONGEST_INTRODUCED) and tokens[end] != ",":
        end += 1
    for stop in range(end, start, -1):
        if reading(tokens[start:stop]) and (stop == len(tokens) or _connector(tokens, stop)[1]):
            return list(tokens[start:stop]), stop - position
    return [], 0


def _artist(tokens: Sequence[str], position: int, held: Sequence[str]) -> tuple[str, int]:
    """Who made it, behind "by": after a comma, after "photo" and the like, or where the artist is known."""
    if tokens[position] != "by":
        return "", 0
    end = position + 1
    while end < len(tokens) and not _connector(tokens, end)[1]:
        end += 1
        if end - position > _LONGEST_ARTIST + 1:
            return "", 0
    name = tokens[position + 1 : end]
    if not name or any(word in ARTICLES or number_of(word) for word in name):
        return "", 0
    credited = not held or held[-1] in MAKERS or "tag" in uses(" ".join(name))
    return (" ".join(["by", *name]), end - position) if credited else ("", 0)
