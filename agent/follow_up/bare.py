"""Changes without a verb: "on the beach", "blue", "bigger", "the dog red", "in 3d", "with a hat", "zoom out"."""

from collections.abc import Sequence

from imagerag.agent.follow_up import holding, looks, placing, sides, sizes
from imagerag.agent.follow_up.adding import as_described, as_look
from imagerag.agent.follow_up.becoming import become, is_worn
from imagerag.agent.follow_up.edit import BACKGROUND, Edit
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.things import Found, matching
from imagerag.prompt_grammar.vocabulary import ARTICLES, BACKGROUND_WORDS, colour_of, number_of


def read_bare(edit: Edit, words: Sequence[str]) -> bool:
    """Read what stands without a verb: "on the beach", "blue", "bigger", "the dog red", "in 3d", "with a hat"."""
    said = phrases()
    inner = [word for word in words if word != ":"]
    if {"size", "sizes"} & set(inner) and edit.items and sizes.sized(edit, Found(list(edit.items), [edit.main]), inner):
        return True
    if inner[0] in ("the", "my") and len(inner) > 2 and inner[1] in ("same", "it"):
        inner = inner[2:] if inner[2:3] != ["but"] else inner[3:]
    elif inner[0] in ("same", "but", "this", "it") and len(inner) > 1:
        inner = inner[1:]
    if not inner or not edit.items:
        return False
    it = Found(list(edit.items), [edit.main])
    while inner and inner[0] in ("thing", "picture", "image", "one", "but") and len(inner) > 1:
        inner = inner[1:]
    if sizes.sized(edit, it, inner) or looks.styled(edit, inner) or looks.timed(edit, inner):
        return True
    if colour_of(" ".join(inner)) or (inner[0] == "in" and colour_of(" ".join(inner[1:]))):
        if edit.latest == BACKGROUND:
            return looks.backed(edit, [word for word in inner if word != "in"])
        return looks.coloured(edit, it, inner)
    if inner[0] == "with" and as_described(edit, inner[1:]):
        return True
    if inner[0] in ("wearing", "holding", "carrying", "with") and len(inner) > 1:
        return holding.hold_listed(edit, it, inner[1:], worn=inner[0] == "wearing")
    if inner[0] == "on" and colour_of(" ".join(inner[1:])):
        return looks.backed(edit, inner[1:])
    if inner[-3:-1] == ["would", "be"] or inner[-4:-2] == ["would", "be"]:
        named = inner[: inner.index("would")]
        named = named[2:] if named[:2] == ["i", "think"] else named
        return bool(named) and (edit.read(named) or (named[0] in said.indefinite and edit.read(["add", *named])))
    if place := sides.frame_of(inner):
        latest = edit.place_of(edit.latest) if edit.latest else None
        return placing.moved_in_frame(edit, it if latest is None else Found(list(edit.items), [latest]), place)
    if (kind := placing.direction_of(inner)) is not None:
        latest = edit.place_of(edit.latest) if edit.latest else None
        return placing.move(edit, it if latest is None else Found(list(edit.items), [latest]), kind, [])
    parts = placing.parted(inner)
    if parts is not None and not parts.left and parts.right:
        return _related(edit, parts, it)
    if inner[0] in ("a", "an") and inner[-1] == "one" and len(inner) > 2:
        return become(edit, it, inner[1:-1])
    if (inner[0] in ("a", "an") and as_look(edit, inner)) or (number_of(inner[0]) and as_described(edit, inner)):
        return True
    for cut in range(len(inner) - 1, 0, -1):
        target = inner[:cut]
        if target[0] in said.it and len(target) == 1 and inner[0] != "it":
            continue
        found = edit.find(target) if target[0] not in said.indefinite else None
        rest = [word for word in inner[cut:] if word not in (",", ":")]
        if found is not None and rest not in ([], ["one"], ["ones"]) and become(edit, found, rest, things="none"):
            return True
    return _recalled(edit, inner)


def _recalled(edit: Edit, words: Sequence[str]) -> bool:
    """Read "blue envelope" and "other hat colour: blue" of a picture with that thing as a new look of it."""
    inner = [
        word
        for word in words
        if word not in ARTICLES and word not in ("other", "different", "colour", "color", ":", ",")
    ]
    if len(inner) < 2:
        return False
    for name, look in (
        (inner[-1:], inner[:-1]),
        (inner[-2:], inner[:-2]),
        (inner[:1], inner[1:]),
        (inner[:2], inner[2:]),
    ):
        places = matching(name, edit.items)
        if look and places and words[0] not in ("a", "an") and colour_of(" ".join(look)):
            return looks.coloured(edit, Found(list(edit.items), places), look)
        if look and places and sizes.sized(edit, Found(list(edit.items), places), look):
            return True
    return False


def _related(edit: Edit, parts: placing.Parted, it: Found) -> bool:
    """Read "on the beach", "behind a tree", "beside some grapes", "to the left of it"."""
    if parts.right[-1] in BACKGROUND_WORDS:
        return looks.backed(edit, parts.right)
    if is_worn(edit, parts.kind, parts.right):
        holding.hold(edit, it, edit.thing_of(parts.right) or ())
        return True
    target = edit.find(parts.right)
    if target is not None:
        latest = edit.place_of(edit.latest) if edit.latest else None
        one = edit.main if latest is None or latest == target.places[0] else latest
        return placing.move(edit, Found(target.items, [one]), parts.kind, parts.right)
    return placing.settle(edit, parts.kind, parts.right)


def read_framing(edit: Edit, words: Sequence[str]) -> bool:
    return looks.framed(edit, words) or (words[0] in ("go", "come", "get") and looks.framed(edit, words[1:]))
