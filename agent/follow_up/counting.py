"""How many of a thing there are to be: "three of them", "one more dog", "another dog", "only one", "double them"."""

import re
from collections.abc import Sequence

from imagerag.agent.follow_up import looks, placing
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.phrases import phrases, starts_with
from imagerag.agent.follow_up.scene_edit import CannotChange
from imagerag.agent.follow_up.things import Found, matching
from imagerag.prompt_grammar.vocabulary import colour_of, number_of

_TIMES = {"double": 2.0, "triple": 3.0, "twice": 2.0, "two times": 2.0, "three times": 3.0, "half": 0.5}
_MULTIPLE = re.compile(
    r"(?:(?:make|have|draw|show|add|use) (?:it |them |that )?)?"
    r"(?:(?P<verb>double|triple)(?: the (?:number|amount|count)(?: of)?)?"
    r"|(?P<times>twice|two times|three times|half) (?:as many|the (?:number|amount)(?: of)?))"
    r"(?: (?P<who>.+))?"
)
_OF_ALL = frozenset(["them", "it", "that", "these", "those", "of them", "of those", "of these"])


def read_multiple(edit: Edit, words: Sequence[str]) -> bool:
    """Read "double them", "twice as many dogs", "triple the gears", "halve the number of birds".

    Raises:
        CannotChange: half of an odd number is asked for.
    """
    found = _MULTIPLE.fullmatch(" ".join(words))
    if found is None:
        return False
    times, who = _TIMES[found["verb"] or found["times"]], found["who"] or "them"
    if who not in _OF_ALL:
        places = matching([word for word in who.split() if word not in ("the", "these", "those")], edit.items)
    elif edit.latest and (at := edit.place_of(edit.latest)) is not None and edit.items[at].joint != "wearing":
        places = [at]
    else:
        several = [at for at, item in enumerate(edit.items) if item.thing.count > 1]
        places = several if len(several) == 1 else [edit.main]
    if not places:
        return False
    number = times * sum(edit.items[at].thing.count for at in places)
    if not number.is_integer():
        raise CannotChange(f"half of {int(2 * number)} can't be drawn; say how many there are to be")
    return looks.counted(edit, Found(list(edit.items), places), int(number))


def read_count(edit: Edit, words: Sequence[str]) -> bool:
    """Read "three of them", "one more dog", "another dog", "make two", "only one", "fewer dogs"."""
    said = phrases()
    inner = list(words)
    if length := starts_with(
        inner,
        (
            ("make", "that"),
            ("make", "it"),
            ("make", "them"),
            ("let", "it", "be"),
            ("back", "to"),
            ("make",),
            ("draw",),
            ("have",),
            ("show",),
            ("now",),
            ("go", "back", "to"),
            ("there", "should", "be"),
        ),
    ):
        inner = inner[length:]
    adds = starts_with(inner, said.verbs["add"] + (("get",), ("draw",)))
    more = inner[adds:]
    if more[:1] == ["yet"]:
        more = more[1:]
    if not more:
        return False
    extra, name = 0, list[str]()
    place, tail = len(more), list[str]()
    if (cut := placing.parted(more)) is not None and cut.left and cut.right:
        place = len(cut.left)
        tail = list(more[place:])
    head = more[:place]
    if head[0] == "another" or (head[0] in ("a", "an") and head[1:2] and head[1] in said.ordinals[1:]):
        number, rest = looks.number_in(head[1:])
        extra, name = number or 1, [word for word in rest if word not in said.ordinals[1:]]
        if name and colour_of(name[0]) and matching(name[1:], edit.items):  # "a third cat, a white one"
            return edit.read(["add", "a", *name])
    elif "more" in head and (number_of(head[0]) or head[0] in ("a", "some", "more")) and head[0] != "a":
        extra = number_of(head[0]) or 1
        name = [word for word in head[1:] if word != "more"] if head[0] != "more" else head[1:]
    elif head[0] in ("fewer", "less") or (head[-1] in ("less", "fewer") and number_of(head[0])):
        extra = -(number_of(head[0]) or 1)
        name = [word for word in head[1:] if word not in ("less", "fewer")]
    if extra:
        name = [word for word in name if word not in ("of", "them", "it", "these", "one", "ones")]
        if not name:
            at = edit.place_of(edit.latest) if edit.latest else None
            found: Found | None = Found(list(edit.items), [edit.main if at is None else at])
        else:
            places = sorted(matching(name, edit.items), key=lambda at: -edit.items[at].thing.count)
            found = Found(list(edit.items), places[:1]) if places else None
        if found is None or (tail and edit.find(placing.parted(more).right) is None):  # type: ignore[union-attr]
            return False
        return looks.counted(edit, found, found.items[found.places[0]].thing.count + extra)
    number, rest = looks.number_in(inner)
    if not number or adds or list(words[:2]) == ["the", "other"]:
        return False
    only = any(word in ("only", "just", "single") for word in inner) or words[0] in (
        "make",
        "only",
        "just",
        "back",
        "now",
        "go",
    )
    rest = [
        word
        for word in rest
        if word
        not in ("of", "them", "these", "those", "the", "in", "total", "is", "enough", "please", "instead", "one", "it")
    ]
    if not rest:
        if number == 1 and not only and list(words) != ["one"]:
            return False
        at = edit.place_of(edit.latest) if edit.latest else None
        at = None if at is not None and edit.items[at].joint == "wearing" else at  # two of who wears it
        at = None if at is not None and edit.items[at].thing.count == number else at  # it is so many already
        several = [k for k, item in enumerate(edit.items) if item.thing.count > 1]
        main = several[0] if len(several) == 1 and number < edit.items[several[0]].thing.count else edit.main
        return looks.counted(edit, Found(list(edit.items), [main if at is None else at]), number)
    if len(rest) > 3:
        return False
    places = matching(rest, edit.items)
    if not places and (coloured := edit.find(rest)) is not None and not coloured.pronoun:
        places = coloured.places
    if not places or (words[0] in ("a", "an") and not only):
        return False
    return looks.counted(edit, Found(list(edit.items), places), number)
