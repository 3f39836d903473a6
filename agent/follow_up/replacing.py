"""One thing for another: "replace the dog with a cat", "a cat instead", "swap the dog and the cat"."""

from collections.abc import Sequence

from imagerag.agent.follow_up import looks, placing, sizes
from imagerag.agent.follow_up.becoming import become
from imagerag.agent.follow_up.clauses import behind_verb, owner_of
from imagerag.agent.follow_up.counting import read_count
from imagerag.agent.follow_up.edit import BACKGROUND, Edit
from imagerag.agent.follow_up.likeness import most_alike
from imagerag.agent.follow_up.phrases import phrases, starts_with
from imagerag.agent.follow_up.scene_edit import NotThere, exchanged, is_garment, items_of
from imagerag.agent.follow_up.things import Found
from imagerag.prompt_grammar.vocabulary import ARTICLES, BACKGROUND_WORDS, colour_of

_BEGINS_THE_NEW = frozenset(
    ["draw", "put", "use", "make", "paint", ",", "with", "i", "take", "have", "try", "get", "show", "add", "give", "do"]
)
"""Words with which what is wanted begins, in "instead of the dog draw a cat"."""


_OFFERS = (("use",), ("have",), ("take",), ("try",), ("do",))


def read_exchange(edit: Edit, words: Sequence[str]) -> bool:
    rest = behind_verb(words, "replace")
    if rest is None:
        return False
    if "out" in rest[1:-1] and rest[rest.index("out") + 1] in ("for", "with"):  # "swap it out for a cat"
        rest = [word for word in rest if word != "out"]
    text = " ".join(rest)
    if text in (
        "their places",
        "their positions",
        "places",
        "positions",
        "the places",
        "them",
        "the animals",
        "the two animals",
        "the things",
        "the two things",
        "them around",
        "the two",
        "both",
        "sides",
        "it around",
        "their sides",
        "the order",
        "the positions",
        "them round",
    ):
        return placing.swap_all(edit)
    for word in ("with", "by", "for", "to", "into", "against"):
        if word not in rest[1:-1]:
            continue
        at = rest.index(word, 1)
        old, new = rest[:at], rest[at + 1 :]
        if word == "for" and words[0] == "substitute":
            old, new = new, old
        if old[-1] in BACKGROUND_WORDS:
            return looks.backed(edit, new)
        if old[-1] in ("style",):
            return looks.styled(edit, new)
        if "colour" in old or "color" in old:
            named = owner_of(old, ("colour", "color"))
            found = edit.find(named) if named else edit.find(["it"])
            return found is not None and looks.coloured(edit, found, new)
        if "size" in old:
            found = edit.find(owner_of(old, ("size",)) or ["it"])
            return found is not None and sizes.sized(edit, found, new)
        found = edit.find(old)
        if found is None:
            if words[0] in ("replace", "swap", "exchange", "substitute") and not any(
                w in phrases().no_things for w in old
            ):
                raise NotThere(f"there is no {' '.join(w for w in old if w not in ARTICLES)} in the picture")
            return False
        if words[0] in ("swap", "switch", "exchange") and word in ("with", "and"):
            other = Edit(edit.scene, found.items, edit.names, edit.known, edit.it).find(new)
            if other is not None and len(other.items) == len(found.items) and new[0] not in phrases().indefinite:
                return placing.swapped(edit, found, other.places[0])
        return become(edit, found, new)
    if "and" in rest:
        at = rest.index("and")
        found = edit.find(rest[:at])
        other = found and Edit(edit.scene, found.items, edit.names, edit.known, edit.it).find(
            [w for w in rest[at + 1 :] if w not in ("around", "round")]
        )
        if found is not None and other is not None:
            return placing.swapped(edit, found, other.places[0])
    return False


def _in_place_of_removed(edit: Edit, words: Sequence[str]) -> bool:
    """Put a new thing where the request before has taken one out: "a strawberry instead", of a cherry."""
    if edit.before is None or edit.changed or not edit.knows([word for word in words if word not in ARTICLES]):
        return False
    old = items_of(edit.before)
    now = [item.thing for item in edit.items]
    gone = [at for at, item in enumerate(old) if item.thing not in now]
    thing = edit.thing_of(words if words[0] in phrases().indefinite else ["a", *words])
    if len(gone) != 1 or len(old) != len(now) + 1 or thing is None or len(thing) != 1:
        return False
    edit.scene = edit.before
    edit.take(exchanged(old, gone[0], thing[0].thing), gone[0])
    return True


def read_instead(edit: Edit, words: Sequence[str]) -> bool:
    """Read "a cat instead of the dog", "instead of the dog a cat" and "a cat instead"."""
    said = phrases()
    inner = list(words)
    if "instead" not in inner:
        return False
    at = inner.index("instead")
    if inner[at + 1 : at + 2] == ["of"]:
        if at:
            new, old = inner[:at], inner[at + 2 :]
        else:
            rest = inner[2:]
            cut = next(
                (k for k, word in enumerate(rest) if k and (word in said.indefinite or word in _BEGINS_THE_NEW)),
                None,
            )
            if cut is None:
                return False
            old, new = rest[:cut], [word for word in rest[cut:] if word != ","]
            new = new[starts_with(new, said.wishes) :] or new
        new = new[starts_with(new, said.verbs["see"] + said.verbs["add"] + said.verbs["put"] + _OFFERS) :]
        number, _ = looks.number_in(new)
        if number and old in (["one"], ["two"], ["three"], ["four"]):
            return read_count(edit, new)
        if new[:1] in (["it"], ["this"], ["that"]) and new[1:3] == ["should", "be"]:
            new = new[3:]
        new = new[:-1] if new[-1:] == ["again"] else new
        old_found = edit.find(old)
        if old and (colour_of(" ".join(old)) and colour_of(" ".join(new))):
            places = [k for k, item in enumerate(edit.items) if item.thing.colour == colour_of(" ".join(old))]
            return bool(places) and looks.coloured(edit, Found(list(edit.items), places), new)
        if old_found is None and colour_of(" ".join(old)):  # "the wolf white instead of grey"
            return edit.read(new)
        return old_found is not None and become(edit, old_found, new)
    rest = [word for word in inner if word not in ("instead",)]
    if not rest:
        return False
    rest = (
        rest[starts_with(rest, (("use",), ("go", "for"), ("try",), ("take",), ("make", "it"), ("with",), ("have",))) :]
        or rest
    )
    if edit.latest == BACKGROUND and looks.backed(edit, rest):
        return True
    if _in_place_of_removed(edit, rest):
        return True
    found = edit.find(["it"])
    if found is None:
        return False
    last = edit.place_of(edit.latest) if edit.latest and not edit.changed else None
    spoken_of = found if last is None else Found(list(edit.items), [last])
    if (
        looks.styled(edit, rest)
        or looks.timed(edit, rest)
        or looks.coloured(edit, spoken_of, rest)
        or sizes.sized(edit, found, rest)
    ):
        return True
    latest = edit.place_of(edit.latest) if edit.latest else None
    if rest[0] not in said.indefinite | said.definite and placing.parted(rest) is None and edit.knows(rest):
        rest = ["a", *rest]  # "horse instead"
    wanted = edit.thing_of(rest) if rest[0] in said.indefinite else None
    same = edit.place_of(wanted[0].thing.phrase) if wanted else None
    alike = most_alike(edit, wanted[0].thing.phrase) if wanted and same is None else same
    if latest is not None and wanted and edit.items[latest].joint == "wearing" and not is_garment(wanted[0].thing):
        latest = None  # nobody wears a teddy bear
    target = alike if alike is not None else latest
    if wanted and become(edit, found if target is None else Found(list(edit.items), [target]), rest):
        return True
    return edit.read([word for word in inner if word != "instead"])
