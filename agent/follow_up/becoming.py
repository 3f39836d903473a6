"""What things are to be: "make the dog red", "the hat is too small", "it should wear a crown", "a blue background"."""

from collections.abc import Sequence

from imagerag.agent.follow_up import holding, looks, placing, sides, sizes
from imagerag.agent.follow_up.clauses import JOINS, behind_verb, owner_of
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.likeness import most_alike
from imagerag.agent.follow_up.phrases import phrases, starts_with
from imagerag.agent.follow_up.removing import take_out
from imagerag.agent.follow_up.scene_edit import is_garment, is_landscape, is_place, is_setting
from imagerag.agent.follow_up.things import Found, matching
from imagerag.prompt_grammar.vocabulary import ARTICLES, BACKGROUND_WORDS, colour_of

_STANCES = frozenset(["sit", "sitting", "stand", "standing", "lie", "lying", "be", "go", "stay", "appear", "float"])

_COMPLAINTS = frozenset(["too", "very", "so", "way", "rather", "quite"])

_IS = (
    ("should", "be"),
    ("must", "be"),
    ("needs", "to", "be"),
    ("has", "to", "be"),
    ("could", "be"),
    ("can", "be"),
    ("is", "to", "be"),
    ("shall", "be"),
    ("be",),
    ("ought", "to", "be"),
    ("to", "be"),
    ("should", "become"),
    ("becomes",),
    ("should", "go"),
    ("should", "stand"),
    ("should", "sit"),
    ("could", "perhaps", "be"),
)

HAS = (
    ("should", "wear"),
    ("should", "have"),
    ("should", "hold"),
    ("should", "carry"),
    ("must", "wear"),
    ("must", "have"),
    ("could", "wear"),
    ("can", "wear"),
    ("could", "have"),
    ("can", "have"),
    ("wears",),
    ("wear",),
    ("wearing",),
    ("have",),
    ("has",),
    ("holding",),
    ("holds",),
    ("with",),
    ("needs",),
    ("gets",),
    ("to", "wear"),
    ("to", "have"),
    ("to", "hold"),
    ("hold",),
)


def become(edit: Edit, found: Found, words: Sequence[str], *, things: str = "any") -> bool:
    """Let things be, or look, as the words say: red, bigger, two, a cat, on a boat.

    Args:
        edit: of the picture.
        found: the things.
        words: what they are to be.
        things: whether they may become another thing: ``any``, only with an ``article``, or ``none``.
    """
    said = phrases()
    inner = list(words)
    if inner[:1] == ["look"] and sides.frame_of(inner[1:]):  # where a head turns can't be drawn
        return False
    into = bool(inner) and inner[0] in ("into", "to")
    if len(inner) > 2 and inner[0] in _STANCES and placing.parted(inner[1:2]) is not None:
        inner = inner[1:]
    while (
        len(inner) > 1
        and inner[0]
        in ("to", "be", "into", "look", "looks", "like", "all", "rather", "become", "as", "appear", "being", "more")
        and not (inner[0] in ("to", "more") and (sides.frame_of(inner) or inner[0] == "more"))
        and not _begins_with_place(inner)
    ):
        inner = inner[1:]
    if not inner:
        return False
    bare = [word for word in inner if word not in ("a", "an", "the", "one", "just")] or inner
    a_thing = inner[0] in ("a", "an") and inner[-1:] != ["one"]
    if sizes.sized(edit, found, inner) or looks.coloured(edit, found, inner if a_thing else bare):
        return True
    if looks.framed(edit, inner):
        return True
    if looks.styled(edit, inner) or looks.timed(edit, inner):
        return True
    if inner[-1] in BACKGROUND_WORDS:
        return looks.backed(edit, inner)
    if (has := starts_with(inner, HAS)) and len(inner) > has:
        worn = any(word.startswith("wear") for word in inner[:has])
        return holding.hold_listed(edit, found, inner[has:], worn=worn)
    if len(bare) == 1 and bare[0] in ("gone", "disappear", "vanish", "away", "invisible"):
        return take_out(edit, found)
    number, rest = looks.number_in(inner)
    if number and inner[0] not in ("a", "an"):
        rest = [word for word in rest if word not in ("of", "them", "these")]
        named = matching(rest, found.items) if rest else list(found.places)
        if named and set(named) & set(found.places):
            return looks.counted(edit, Found(found.items, named if not rest else found.places), number)
    if place := sides.frame_of(inner):
        return placing.moved_in_frame(edit, found, place)
    parts = placing.parted(inner)
    if parts is not None and not parts.left:
        if colour_of(" ".join(w for w in parts.right if w not in ARTICLES)):
            return looks.coloured(edit, found, parts.right)
        if is_worn(edit, parts.kind, parts.right):
            thing = edit.thing_of(parts.right)
            if thing is not None:
                holding.hold(edit, found, thing)
                return True
        return placing.move(edit, found, parts.kind, parts.right, pronoun=found.pronoun)
    if inner[0] in said.indefinite or number or edit.knows([w for w in inner if w not in ARTICLES]):
        if things == "none" or any(word in said.no_things for word in inner):
            return False
        article = inner[0] in said.indefinite or into
        thing = edit.thing_of(inner, bare=True)
        if thing and is_place(thing[0].thing) and not article and not (things == "any" and found.pronoun is False):
            return placing.settle(edit, "inside", inner)
        set_already = any(is_setting(edit.items, at) for at in range(len(edit.items)))
        if thing and article and set_already and is_landscape(thing[0].thing):  # "make it a snowy forest"
            return placing.settle(edit, "inside", inner)
        if things == "article" and not article:
            return False
        if thing and found.pronoun:
            meant = _meant(edit, found, thing[0].thing.phrase)
            if meant is None and number > 1:
                return False  # "make that three coins", of a picture with neither a coin nor anything like one
            if meant is None and not edit.knows([thing[0].thing.phrase]):
                return False  # "make it a sunny day", of a dog and a ball
            found = meant or found
        return bool(thing) and looks.replaced(edit, found, thing or ())
    return False


def _meant(edit: Edit, found: Found, phrase: str) -> Found | None:
    """Return what "it" is that is to be another thing: that which is most like it; ``None`` where none is."""
    free = [at for at in range(len(found.items)) if not is_setting(found.items, at)]
    if len(free) == 1:
        return found
    alike = most_alike(edit, phrase)
    return None if alike is None else Found(list(edit.items), [alike])


def _begins_with_place(words: Sequence[str]) -> bool:
    """Tell whether words begin with a connector of several words: "to the left of the dog"."""
    return starts_with(words, tuple(said for said, _ in phrases().relations if len(said) > 1)) > 0


def _all(edit: Edit) -> Found:
    """Return all that has a colour: what is worn too, but not what all is in."""
    items = list(edit.items)
    return Found(items, [at for at in range(len(items)) if not is_setting(items, at)])


def is_worn(edit: Edit, kind: str, words: Sequence[str]) -> bool:
    """Tell whether "in a suit" says what somebody wears."""
    if kind != "inside":
        return False
    thing = edit.thing_of(words)
    return thing is not None and is_garment(thing[0].thing)


def read_made(edit: Edit, words: Sequence[str]) -> bool:
    """Read "make the dog red", "turn it into a cat", "paint the hat blue", "make bigger"."""
    rest = behind_verb(words, "make")
    if rest is None:
        return False
    if "colour" in rest or "color" in rest:
        named = owner_of(rest, ("colour", "color"))
        owner = edit.find(named or ["it"])
        cut = next((at + 1 for at, word in enumerate(rest) if word in ("to", "into", "be")), 0)
        if owner is not None and cut and looks.coloured(edit, owner, rest[cut:]):
            return True
    said = phrases()
    for cut in range(len(rest) - 1, 0, -1):
        target = rest[:cut]
        if target[0] in said.indefinite and target[0] not in ("my", "our", "one"):
            break
        text = " ".join(word for word in target if word not in ARTICLES)
        whole = text in said.whole
        found = edit.find(["it"]) if whole else edit.find(target)
        if whole and text not in said.picture and found is not None:
            everything = edit.find(["them"]) or found
            if sizes.sized(edit, everything, rest[cut:]) or looks.coloured(edit, _all(edit), rest[cut:]):
                return True
        if found is not None and become(edit, found, rest[cut:], things="none" if words[0] == "give" else "article"):
            return True
    it = edit.find(["it"])
    if it is None or (rest[0] in said.indefinite and rest[0] != "more"):
        return False
    latest = edit.place_of(edit.latest) if edit.changed and edit.latest else None
    it = it if latest is None else Found(list(edit.items), [latest])
    return sizes.sized(edit, it, rest) or looks.coloured(edit, it, rest) or looks.styled(edit, rest)


def read_said_of(edit: Edit, words: Sequence[str]) -> bool:
    """Read "the dog should be red", "the hat is too small", "it should wear a crown"."""
    said = phrases()
    inner = list(words)
    if inner[0] in ("could", "can", "should", "would", "must", "let", "have") and len(inner) > 2:
        # "Could the dog wear a hat": what is asked of whom.
        for cut in range(1, len(inner) - 1):
            found = edit.find(inner[1 : cut + 1])
            rest = inner[cut + 1 :]
            if found is not None and (has := starts_with(rest, HAS)) and len(rest) > has:
                return holding.hold_listed(edit, found, rest[has:], worn="wear" in rest[:has])
            if found is not None and (starts_with(rest, _IS)) and become(edit, found, rest[starts_with(rest, _IS) :]):
                return True
    for at in range(1, len(inner)):
        if (length := starts_with(inner[at:], _IS)) and at + length < len(inner):
            found = edit.find(inner[:at])
            return found is not None and become(edit, found, inner[at + length :])
        if inner[at] in ("is", "are", "looks", "'s") or inner[:1] == ["it's"]:
            start = at + 1 if inner[:1] != ["it's"] else 1
            found = edit.find(inner[:at]) if inner[:1] != ["it's"] else edit.find(["it"])
            rest = inner[start:]
            if found is None or not rest or rest[0] not in _COMPLAINTS:
                return False
            word = " ".join(rest[1:])
            edit.it = edit.latest = found.items[found.places[0]].thing.phrase
            if word in said.sizes["large"] or word in said.sizes["bigger"]:
                return sizes.sized(edit, found, ["smaller"])
            if word in said.sizes["small"]:
                return sizes.sized(edit, found, ["bigger"])
            if word in ("dark", "light", "bright"):
                return looks.coloured(edit, found, ["lighter" if word == "dark" else "darker"])
            if word in ("far away", "far"):
                return looks.framed(edit, ["closer"])
            if word in ("close", "near"):
                return looks.framed(edit, ["zoom", "out"])
            return False
        if (length := starts_with(inner[at:], HAS)) and at + length < len(inner):
            found = edit.find(inner[:at])
            if found is not None and holding.hold_listed(
                edit, found, inner[at + length :], worn=any(word.startswith("wear") for word in inner[at : at + length])
            ):
                return True
    return False


def read_background(edit: Edit, words: Sequence[str]) -> bool:
    """Read "make the background blue", "a blue background", "more colourful background, maybe turquoise"."""
    at = next((k for k, word in enumerate(words) if word in BACKGROUND_WORDS), None)
    if at is None or any(word in JOINS for word in words[:at]) or "and" in words[at:]:
        return False
    verbs = phrases().verbs["add"] + phrases().verbs["put"]
    if (verb := starts_with(words, verbs)) and words[verb] in ("a", "an") and words[at - 2 : at] == ["in", "the"]:
        return placing.put_behind_all(edit, words[verb : at - 2])
    inner = list(words)
    inner = inner[
        starts_with(
            inner,
            phrases().verbs["make"] + phrases().verbs["add"] + phrases().verbs["put"] + phrases().verbs["replace"],
        ) :
    ]
    inner = [
        word
        for word in inner
        if word
        not in (
            "have",
            "it",
            "use",
            "get",
            "give",
            "on",
            "against",
            "nice",
            "would",
            "be",
            ",",
            "colourful",
            "colorful",
            "more",
            "can",
            "i",
            "the",
        )
        or word in BACKGROUND_WORDS
    ]
    at = next((k for k, word in enumerate(inner) if word in BACKGROUND_WORDS), None)
    if at is None:
        return False
    behind, before = inner[at + 1 :], inner[:at]
    if behind[:1] == ["for"]:  # "an orange background for that one"
        behind = []
    for told in (behind, before):
        told = [word for word in told if word not in ("in", "should", "to", "into", "a", "an", ":", "-", "=")]
        if told and looks.backed(edit, told):
            return True
    return False
