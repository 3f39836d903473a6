"""A request read as changes of a picture, clause by clause; what is not read entirely changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from imagerag.agent.follow_up import looks, placing
from imagerag.agent.follow_up.edit import BACKGROUND, Edit
from imagerag.agent.follow_up.phrases import phrases, starts_with, with_verb_spelt, without_courtesy
from imagerag.agent.follow_up.scene_edit import CannotChange, is_garment, is_place, removed
from imagerag.agent.follow_up.talk import kind_of_talk
from imagerag.agent.follow_up.things import Found, matching
from imagerag.prompt_grammar.vocabulary import ARTICLES, colour_of, number_of

KEPT = (("instead", "of"), ("can", "i"), ("next", "to"))
"""What is courtesy only where nothing of this follows it."""
LONGEST = 60
"""Words of the longest request that is read as a change: longer ones are prompts."""
_ENDS = frozenset([".", ";", "!", "?", "then"])
_JOINS = frozenset([",", "and", "but", "&"])
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
    ("should", "look"),
    ("ought", "to", "be"),
    ("to", "be"),
    ("should", "become"),
    ("becomes",),
    ("should", "go"),
    ("should", "stand"),
    ("should", "sit"),
    ("could", "perhaps", "be"),
)
_HAS = (
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
_ASIDES = (
    "i'm sorry",
    "sorry",
    "too many",
    "too much",
    "not enough",
    "one last thing",
    "last thing",
    "one more thing",
    "it needs a friend",
    "it looks lonely",
    "he looks lonely",
    "she looks lonely",
    "that is",
    "same ",
    "the same ",
    "that's",
    "oops",
    "my mistake",
    "my bad",
    "i changed my mind",
    "changed my mind",
    "you can do it",
    "one thing",
)
"""How parts of a request begin that ask for nothing themselves."""
_BACKGROUNDS = frozenset(["background", "backdrop", "bg"])


def change(edit: Edit, words: Sequence[str]) -> str:
    """Make the changes that a request asks for, and return the part of it that was not read; nothing if all was.

    Raises:
        CannotChange: it is read, and can't be done with this picture.
    """
    if len(words) > LONGEST:
        return " ".join(words)
    verb: list[str] = []
    sentences = _parts(words, _ENDS)
    for sentence in sentences:
        if ":" in sentence and is_aside(sentence[: sentence.index(":")]):
            sentence = sentence[sentence.index(":") + 1 :]
        if len(sentences) > 1 and is_aside(sentence):
            continue
        if clause(edit, sentence):
            verb = sentence[:1]
            continue
        parts = _at_verbs(sentence)
        for part in parts:
            if len(parts) > 1 and is_aside(part):
                continue
            if not (clause(edit, part) or _listed(edit, part, verb)):
                return " ".join(part)
            verb = part[:1]
    return "" if edit.changed else " ".join(words)


def is_aside(words: Sequence[str]) -> bool:
    """Tell whether a part of a request asks for nothing: "cheers", "I'm sorry to bother you", "too many"."""
    if "," in words:
        return False
    text = " ".join(without_courtesy([word for word in words if word not in _JOINS]))
    return not text or kind_of_talk(text, exactly=False) is not None or text.startswith(_ASIDES) or text in _ASIDES


def _parts(words: Sequence[str], at: frozenset[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word in at:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in map(_ended, parts) if any(word not in _JOINS for word in part)]


def _ended(words: Sequence[str]) -> list[str]:
    """Leave out a word at the end that nothing follows any more: "make it red with ... just red"."""
    end = len(words)
    while end > 1 and words[end - 1] in ("with", "and", "the", "a", "an", "or", "with,"):
        end -= 1
    return list(words[:end])


def _at_verbs(words: Sequence[str]) -> list[list[str]]:
    """Part a sentence at commas and "and" where another verb follows."""
    said = phrases()
    verbs = tuple(verb for kind in ("put", "add", "give", "remove", "replace", "make") for verb in said.verbs[kind])
    parts: list[list[str]] = [[]]
    for at, word in enumerate(words):
        behind = without_courtesy(words[at + 1 :])
        if (
            word in _JOINS
            and parts[-1]
            and (starts_with(behind, verbs) or word == "but" or starts_with(behind, said.wishes))
        ):
            parts.append([])
        else:
            parts[-1].append(word)
    return [_ended(part) for part in parts if part]


def _listed(edit: Edit, words: Sequence[str], verb: Sequence[str]) -> bool:
    """Read each item of a list as a clause, or as one with the verb before it: "the hat red and the dog blue"."""
    parts = _parts(words, _JOINS)
    if len(parts) < 2 and not verb:
        return False
    for part in parts:
        if is_aside(part):
            continue
        if not (clause(edit, part) or (verb and clause(edit, [*verb, *part]))):
            return False
        verb = part[:1] if starts_with(part, phrases().verbs["make"] + phrases().verbs["put"]) else verb
    return True


def clause(edit: Edit, words: Sequence[str]) -> bool:
    """Make one change, and tell whether the words were read as one."""
    said = phrases()
    adds = _adds_by_ending(words) and words[:1] != ["add"]
    if words[:1] in (["only"], ["just"]) and len(words) > 1 and _only(edit, words[1:]):
        return True
    keep = said.verbs["remove"] + said.wishes + KEPT
    left = without_courtesy(words, keep)
    left = [word for word in left if word not in ("perhaps", "maybe", "please")] or left
    left = with_verb_spelt(left, edit.known)
    if not left:
        return False
    if left[0] == "not" and "," in left[:-1]:
        left = left[left.index(",") + 1 :]
    if "->" in left[1:-1]:
        left = ["replace", *left[: left.index("->")], "with", *left[left.index("->") + 1 :]]
    if left[0] in ("keep", "leave", "show") and left[1:2] == ["only"] and _only(edit, left[2:]):
        return True
    if left[:1] == ["no"] and len(left) > 1 and (left[1] in ("to", "on") or left[1:2] == [","]):
        left = left[1:]
    before = (edit.scene, list(edit.items), edit.changed, edit.it, edit.latest)
    for reader in (
        _wished,
        _instead,
        _framed,
        _counted,
        _removed,
        _replaced,
        _background,
        _said_of,
        _given,
        _put,
        _made,
        _added,
        _bare,
    ):
        if reader(edit, left):
            return True
        edit.scene, edit.items, edit.changed, edit.it, edit.latest = (
            before[0],
            list(before[1]),
            before[2],
            before[3],
            before[4],
        )
    if left[:1] == ["add"]:
        return False
    back = left[0] in said.indefinite and points_back(edit, left)
    return (adds or back) and clause(edit, ["add", *left])


def _adds_by_ending(words: Sequence[str]) -> bool:
    text = " ".join(words).rstrip(" .!?,")
    return text.endswith((" too", " as well", " also", " with it")) or text.startswith(
        ("and ", "also ", "plus ", "with ")
    )


def _verb(words: Sequence[str], kind: str) -> list[str] | None:
    """Return the words behind a verb of that kind; ``None`` where they begin with none."""
    length = starts_with(words, phrases().verbs[kind])
    return list(words[length:]) if length and len(words) > length else None


def _wished(edit: Edit, words: Sequence[str]) -> bool:
    said = phrases()
    length = starts_with(words, said.wishes)
    if not length or length == len(words):
        return False
    wish, rest = " ".join(words[:length]), list(words[length:])
    rest = rest[1:] if rest[0] == "that" and len(rest) > 2 else rest
    if wish.startswith("there") or wish in ("how about", "what about", "i miss", "it lacks"):
        return _counted(edit, rest) or clause(edit, rest) or clause(edit, ["add", *rest])
    if wish.endswith(("be", "look")):
        return clause(edit, ["make", "it", *rest])
    if wish.endswith(("it have", "needs", "had")) or wish.startswith(
        ("it should have", "can it have", "could it have")
    ):
        return _counted(edit, rest) or clause(edit, ["give", "it", *rest])
    if rest[:2] == ["it", "with"] and len(rest) > 2:
        return clause(edit, rest[1:])
    if rest[:2] == ["it", "to"] and len(rest) > 2:
        return clause(edit, ["it", "should", *rest[2:]])
    if rest[0] in ("only", "just") or "only" in wish or "just" in wish:
        return _only(edit, rest[1:] if rest[0] in ("only", "just") else rest)
    if rest[0] in said.indefinite or number_of(rest[0]):
        return _counted(edit, rest) or clause(edit, ["add", *rest])
    return clause(edit, rest) or clause(edit, ["make", *rest])


def _only(edit: Edit, words: Sequence[str]) -> bool:
    found = edit.find(words)
    if found is None or words[0] not in phrases().definite:
        return _counted(edit, ["just", *words])
    items = list(found.items)
    for at in reversed(range(len(items))):
        if at not in found.places and not is_place(items[at].thing):
            items = removed(items, at)
    edit.take(items)
    return True


def _instead(edit: Edit, words: Sequence[str]) -> bool:
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
                (
                    k
                    for k, word in enumerate(rest)
                    if k and (word in said.indefinite or word in ("draw", "put", "use", "make", "paint", ",", "with"))
                ),
                None,
            )
            if cut is None:
                return False
            old, new = rest[:cut], [word for word in rest[cut:] if word != ","]
        new = new[starts_with(new, said.verbs["see"] + said.verbs["add"] + said.verbs["put"] + (("use",), ("have",))) :]
        number, name = looks.number_in(new)
        if number and old in (["one"], ["two"], ["three"], ["four"]):
            return _counted(edit, new)
        old_found = edit.find(old)
        if old and (colour_of(" ".join(old)) and colour_of(" ".join(new))):
            places = [k for k, item in enumerate(edit.items) if item.thing.colour == colour_of(" ".join(old))]
            return bool(places) and looks.coloured(edit, Found(list(edit.items), places), new)
        return old_found is not None and _become(edit, old_found, new)
    rest = [word for word in inner if word not in ("instead",)]
    if not rest:
        return False
    rest = (
        rest[starts_with(rest, (("use",), ("go", "for"), ("try",), ("take",), ("make", "it"), ("with",), ("have",))) :]
        or rest
    )
    if edit.latest == BACKGROUND and looks.backed(edit, rest):
        return True
    found = edit.find(["it"])
    if found is None:
        return False
    if (
        looks.styled(edit, rest)
        or looks.timed(edit, rest)
        or looks.coloured(edit, found, rest)
        or looks.sized(edit, found, rest)
    ):
        return True
    latest = edit.place_of(edit.latest) if edit.latest else None
    if rest[0] in said.indefinite and _become(
        edit, found if latest is None else Found(list(edit.items), [latest]), rest
    ):
        return True
    return clause(edit, [word for word in inner if word != "instead"])


def _framed(edit: Edit, words: Sequence[str]) -> bool:
    return looks.framed(edit, words) or (words[0] in ("go", "come", "get") and looks.framed(edit, words[1:]))


def _counted(edit: Edit, words: Sequence[str]) -> bool:
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
    if head[0] == "another" or (head[0] in ("a", "an") and "second" in head):
        number, rest = looks.number_in(head[1:])
        extra, name = number or 1, [word for word in rest if word != "second"]
    elif "more" in head and (number_of(head[0]) or head[0] in ("a", "some", "more")) and head[0] != "a":
        extra = number_of(head[0]) or 1
        name = [word for word in head[1:] if word != "more"] if head[0] != "more" else head[1:]
    elif head[0] == "fewer" or (head[-1] in ("less", "fewer") and number_of(head[0])):
        extra = -(number_of(head[0]) or 1)
        name = [word for word in head[1:] if word not in ("less", "fewer")]
    if extra:
        name = [word for word in name if word not in ("of", "them", "it", "these", "one", "ones")]
        if not name:
            at = edit.place_of(edit.latest) if edit.latest else None
            found: Found | None = Found(list(edit.items), [edit.main if at is None else at])
        else:
            places = matching(name, edit.items)
            found = Found(list(edit.items), places[:1]) if places else None
        if found is None or (tail and edit.find(placing.parted(more).right) is None):  # type: ignore[union-attr]
            return False
        return looks.counted(edit, found, found.items[found.places[0]].thing.count + extra)
    number, rest = looks.number_in(inner)
    if not number or adds:
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


def _removed(edit: Edit, words: Sequence[str]) -> bool:
    said = phrases()
    if words[-1:] == ["again"] and len(words) > 2:
        words = words[:-1]
    rest = _verb(words, "remove")
    if rest is None:
        text = " ".join(words)
        for start in (
            "i don't want ",
            "i dont want ",
            "i do not want ",
            "we don't need ",
            "i don't need ",
            "i dont need ",
            "don't draw ",
            "there should be no ",
            "there should not be ",
            "do not draw ",
            "dont draw ",
        ):
            if text.startswith(start):
                rest = [word for word in text.removeprefix(start).split() if word not in ("any", "more", "anymore")]
                break
    text = " ".join(words)
    if rest is None and words[0] in ("take", "get") and " out of " in text:
        rest = list(words[1:])
    if rest is None and words[0] in ("take", "get") and words[-1] in ("out", "away", "off"):
        rest = list(words[1:-1])
    if rest is None and words[0] == "take" and len(words) > 2 and words[-2:] == ["away", "again"]:
        rest = list(words[1:-2])
    if rest is None and len(words) > 2:
        text = " ".join(words)
        ending = next(
            (
                end
                for end in (
                    " is not needed",
                    " isn't needed",
                    " not needed",
                    " should go",
                    " should disappear",
                    " must go",
                    " has to go",
                    " can go",
                    " should go away",
                    " go away",
                    " disappear",
                    " vanish",
                )
                if text.endswith(end)
            ),
            "",
        )
        if ending:
            rest = text.removesuffix(ending).removeprefix("make ").removeprefix("let ").split()
    if rest is None:
        return False
    while rest and rest[-1] in ("again", "out", "away", "entirely", "completely", "off", "anymore", "altogether"):
        rest = rest[:-1]
    if words[0] == "no" and "but" in rest:
        at = rest.index("but")
        return _removed(edit, ["no", *rest[:at]]) and placing.add_things(edit, rest[at + 1 :])
    for tail in (
        ["of", "the", "picture"],
        ["of", "the", "image"],
        ["of", "the", "scene"],
        ["of", "it"],
        ["of", "there"],
    ):
        if rest[-len(tail) - 1 :] == ["out", *tail]:
            rest = rest[: -len(tail) - 1]
    inner = [word for word in rest if word not in ARTICLES]
    if not inner:
        return False
    if rest[0] in ("a", "an") and (alike := matching(inner, edit.items)) and edit.items[alike[0]].thing.count > 1:
        return looks.counted(edit, Found(list(edit.items), alike[:1]), edit.items[alike[0]].thing.count - 1)
    if inner[-1] in _BACKGROUNDS:
        return looks.backed(edit, ["plain"])
    if inner in (["colour"], ["color"], ["colours"], ["colors"]):
        looks.colourless(edit, Found(list(edit.items), list(range(len(edit.items)))))
        return True
    if inner in (["style"], ["styles"]):
        kept = tuple(word for word in edit.scene.modifiers if not looks.is_style(word))
        edit.take_scene(replace(edit.scene, styles=(), modifiers=kept))
        return True
    if inner[-1] in ("accessories", "clothes"):
        worn = [
            at
            for at, item in enumerate(edit.items)
            if item.joint in ("wearing", "with") or (at and is_garment(item.thing))
        ]
        return bool(worn) and _take_out(edit, Found(list(edit.items), worn))
    for word in ("except", "but"):
        if word in inner and inner[0] in ("everything", "all"):
            return _only(edit, ["the", *[w for w in inner[inner.index(word) + 1 :] if w != "for"]])
    number, name = looks.number_in(inner)
    name = [word for word in name if word not in ("of", "the", "them")]
    if number and (not name or matching(name, edit.items)):
        places = matching(name, edit.items) if name else [edit.main]
        many = edit.items[places[0]].thing.count
        if len(places) == 1 and many > number:
            return looks.counted(edit, Found(list(edit.items), places), many - number)
    if inner == ["it", "all"] or inner == ["everything"]:
        raise CannotChange("nothing would be left in the picture")
    parts = _parts(rest, _JOINS)
    if len(parts) > 1 and edit.find(rest) is None:
        return all(_removed(edit, ["remove", *part]) for part in parts)
    if modifiers := [word for word in edit.scene.modifiers if " ".join(inner) in (word, word.removesuffix(" style"))]:
        edit.take_scene(replace(edit.scene, modifiers=tuple(w for w in edit.scene.modifiers if w not in modifiers)))
        return True
    found = edit.find(rest)
    if found is None:
        if any(word in said.no_things for word in inner) or len(inner) > 4:
            return False
        if words[0] in ("lose", "cut", "drop", "hide", "leave", "discard") and not edit.knows(inner):
            return False
        raise CannotChange(f"there is no {' '.join(inner)} in the picture")
    return _take_out(edit, found)


def _take_out(edit: Edit, found: Found) -> bool:
    items = list(found.items)
    for at in sorted(found.places, reverse=True):
        items = removed(items, at)
    edit.take(items)
    return True


def _replaced(edit: Edit, words: Sequence[str]) -> bool:
    rest = _verb(words, "replace")
    if rest is None:
        return False
    text = " ".join(rest)
    if text in (
        "their places",
        "their positions",
        "places",
        "positions",
        "the places",
        "them",
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
        if old[-1] in _BACKGROUNDS:
            return looks.backed(edit, new)
        if old[-1] in ("style",):
            return looks.styled(edit, new)
        if "colour" in old or "color" in old:
            named = _owner(old, ("colour", "color"))
            found = edit.find(named) if named else edit.find(["it"])
            return found is not None and looks.coloured(edit, found, new)
        if "size" in old:
            found = edit.find(_owner(old, ("size",)) or ["it"])
            return found is not None and looks.sized(edit, found, new)
        found = edit.find(old)
        if found is None:
            if words[0] in ("replace", "swap", "exchange", "substitute") and not any(
                w in phrases().no_things for w in old
            ):
                raise CannotChange(f"there is no {' '.join(w for w in old if w not in ARTICLES)} in the picture")
            return False
        if words[0] in ("swap", "switch", "exchange") and word in ("with", "and"):
            other = Edit(edit.scene, found.items, edit.names, edit.known, edit.it).find(new)
            if other is not None and len(other.items) == len(found.items) and new[0] not in phrases().indefinite:
                return placing.swapped(edit, found, other.places[0])
        return _become(edit, found, new)
    if "and" in rest:
        at = rest.index("and")
        found = edit.find(rest[:at])
        other = found and Edit(edit.scene, found.items, edit.names, edit.known, edit.it).find(
            [w for w in rest[at + 1 :] if w not in ("around", "round")]
        )
        if found is not None and other is not None:
            return placing.swapped(edit, found, other.places[0])
    return False


def _owner(words: Sequence[str], of: Sequence[str]) -> list[str]:
    """Return whose colour it is: "the hat" of "the colour of the hat", "the hat's colour" and "the hat colour"."""
    inner = [word.removesuffix("'s") for word in words if word not in ARTICLES]
    at = next(k for k, word in enumerate(inner) if word in of)
    named = inner[at + 2 :] if inner[at + 1 : at + 2] == ["of"] else inner[:at]
    return [word for word in named if word not in ("its", "other", "different")]


def _become(edit: Edit, found: Found, words: Sequence[str], *, things: str = "any") -> bool:
    """Let things be, or look, as the words say: red, bigger, two, a cat, on a boat.

    Args:
        edit: of the picture.
        found: the things.
        words: what they are to be.
        things: whether they may become another thing: ``any``, only with an ``article``, or ``none``.
    """
    said = phrases()
    inner = list(words)
    if inner[:1] == ["look"] and placing.frame_of(inner[1:]):  # where a head turns can't be drawn
        return False
    into = bool(inner) and inner[0] in ("into", "to")
    if len(inner) > 2 and inner[0] in _STANCES and placing.parted(inner[1:2]) is not None:
        inner = inner[1:]
    while (
        len(inner) > 1
        and inner[0]
        in ("to", "be", "into", "look", "looks", "like", "all", "rather", "become", "as", "appear", "being", "more")
        and not (inner[0] in ("to", "more") and (placing.frame_of(inner) or inner[0] == "more"))
    ):
        inner = inner[1:]
    if not inner:
        return False
    bare = [word for word in inner if word not in ("a", "an", "the", "one", "just")] or inner
    if looks.sized(edit, found, inner) or looks.coloured(edit, found, bare):
        return True
    if looks.framed(edit, inner):
        return True
    if looks.styled(edit, inner) or looks.timed(edit, inner):
        return True
    if inner[-1] in _BACKGROUNDS:
        return looks.backed(edit, inner)
    if (has := starts_with(inner, _HAS)) and len(inner) > has:
        worn = any(word.startswith("wear") for word in inner[:has])
        return placing.hold_listed(edit, found, inner[has:], worn=worn)
    if bare[0] in ("gone", "disappear", "vanish", "away", "invisible"):
        return _take_out(edit, found)
    number, rest = looks.number_in(inner)
    if number and inner[0] not in ("a", "an"):
        rest = [word for word in rest if word not in ("of", "them", "these")]
        named = matching(rest, found.items) if rest else list(found.places)
        if named and set(named) & set(found.places):
            return looks.counted(edit, Found(found.items, named if not rest else found.places), number)
    if place := placing.frame_of(inner):
        return placing.moved_in_frame(edit, found, place)
    parts = placing.parted(inner)
    if parts is not None and not parts.left:
        if colour_of(" ".join(w for w in parts.right if w not in ARTICLES)):
            return looks.coloured(edit, found, parts.right)
        if is_worn(edit, parts.kind, parts.right):
            thing = edit.thing_of(parts.right)
            if thing is not None:
                placing.hold(edit, found, thing)
                return True
        return placing.move(
            edit, found, parts.kind, parts.right, pronoun=found.pronoun
        )
    if inner[0] in said.indefinite or number or edit.knows([w for w in inner if w not in ARTICLES]):
        if things == "none" or any(word in said.no_things for word in inner):
            return False
        article = inner[0] in said.indefinite or into
        thing = edit.thing_of(inner, bare=True)
        if thing and is_place(thing[0].thing) and not article and not (things == "any" and found.pronoun is False):
            return placing.settle(edit, "inside", inner)
        if things == "article" and not article:
            return False
        return bool(thing) and looks.replaced(edit, found, thing or ())
    return False


def is_worn(edit: Edit, kind: str, words: Sequence[str]) -> bool:
    """Tell whether "in a suit" says what somebody wears."""
    if kind != "inside":
        return False
    thing = edit.thing_of(words)
    return thing is not None and is_garment(thing[0].thing)


def _background(edit: Edit, words: Sequence[str]) -> bool:
    """Read "make the background blue", "a blue background", "more colourful background, maybe turquoise"."""
    at = next((k for k, word in enumerate(words) if word in _BACKGROUNDS), None)
    if at is None or any(word in _JOINS for word in words[:at]) or "and" in words[at:]:
        return False
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
        or word in _BACKGROUNDS
    ]
    at = next((k for k, word in enumerate(inner) if word in _BACKGROUNDS), None)
    if at is None:
        return False
    behind, before = inner[at + 1 :], inner[:at]
    for told in (behind, before):
        told = [word for word in told if word not in ("in", "should", "to", "into", "a", "an")]
        if told and looks.backed(edit, told):
            return True
    return False


def _said_of(edit: Edit, words: Sequence[str]) -> bool:
    """Read "the dog should be red", "the hat is too small", "it should wear a crown"."""
    said = phrases()
    inner = list(words)
    if inner[0] in ("could", "can", "should", "would", "must", "let", "have") and len(inner) > 2:
        # "Could the dog wear a hat": what is asked of whom.
        for cut in range(1, len(inner) - 1):
            found = edit.find(inner[1 : cut + 1])
            rest = inner[cut + 1 :]
            if found is not None and (has := starts_with(rest, _HAS)) and len(rest) > has:
                return placing.hold_listed(edit, found, rest[has:], worn="wear" in rest[:has])
            if found is not None and (starts_with(rest, _IS)) and _become(edit, found, rest[starts_with(rest, _IS) :]):
                return True
    for at in range(1, len(inner)):
        if (length := starts_with(inner[at:], _IS)) and at + length < len(inner):
            found = edit.find(inner[:at])
            return found is not None and _become(edit, found, inner[at + length :])
        if inner[at] in ("is", "are", "looks", "'s") or inner[:1] == ["it's"]:
            start = at + 1 if inner[:1] != ["it's"] else 1
            found = edit.find(inner[:at]) if inner[:1] != ["it's"] else edit.find(["it"])
            rest = inner[start:]
            if found is None or not rest or rest[0] not in _COMPLAINTS:
                return False
            word = " ".join(rest[1:])
            edit.it = edit.latest = found.items[found.places[0]].thing.phrase
            if word in said.sizes["large"] or word in said.sizes["bigger"]:
                return looks.sized(edit, found, ["smaller"])
            if word in said.sizes["small"]:
                return looks.sized(edit, found, ["bigger"])
            if word in ("dark", "light", "bright"):
                return looks.coloured(edit, found, ["lighter" if word == "dark" else "darker"])
            if word in ("far away", "far"):
                return looks.framed(edit, ["closer"])
            if word in ("close", "near"):
                return looks.framed(edit, ["zoom", "out"])
            return False
        if (length := starts_with(inner[at:], _HAS)) and at + length < len(inner):
            found = edit.find(inner[:at])
            if found is not None and placing.hold_listed(
                edit, found, inner[at + length :], worn=any(word.startswith("wear") for word in inner[at : at + length])
            ):
                return True
    return False


def _given(edit: Edit, words: Sequence[str]) -> bool:
    rest = _verb(words, "give")
    return rest is not None and placing.give(edit, rest)


def _put(edit: Edit, words: Sequence[str]) -> bool:
    rest = _verb(words, "put")
    if rest is None:
        return False
    if rest[:1] == ["to"] and len(rest) > 2:  # "put to him a hat"
        return placing.give(edit, rest[1:])
    colour = [at for at, word in enumerate(rest) if word in ("colour", "color")]
    if colour and "in" in rest[1:]:  # "put the colour of the rabbit in brown"
        at = rest.index("in", 1)
        found = edit.find(_owner(rest[:at], ("colour", "color")) or ["it"])
        return found is not None and looks.coloured(edit, found, rest[at + 1 :])
    if rest[-1] in ("back", "away"):
        return False
    return placing.put(edit, rest)


def _made(edit: Edit, words: Sequence[str]) -> bool:
    """Read "make the dog red", "turn it into a cat", "paint the hat blue", "make bigger"."""
    rest = _verb(words, "make")
    if rest is None:
        return False
    if "colour" in rest or "color" in rest:
        named = _owner(rest, ("colour", "color"))
        for cut in range(1, len(rest)):
            if rest[cut - 1] in ("to", "into", "be") and looks.coloured(
                edit, edit.find(named or ["it"]) or Found(list(edit.items), [0]), rest[cut:]
            ):
                return True
    said = phrases()
    for cut in range(len(rest) - 1, 0, -1):
        target = rest[:cut]
        if target[0] in said.indefinite and target[0] not in ("my", "our", "one"):
            break
        text = " ".join(word for word in target if word not in ARTICLES)
        whole = text in said.whole
        found = edit.find(["it"]) if whole else edit.find(target)
        if found is not None and _become(edit, found, rest[cut:], things="article"):
            return True
    it = edit.find(["it"])
    if it is None or (rest[0] in said.indefinite and rest[0] != "more"):
        return False
    latest = edit.place_of(edit.latest) if edit.changed and edit.latest else None
    it = it if latest is None else Found(list(edit.items), [latest])
    return looks.sized(edit, it, rest) or looks.coloured(edit, it, rest) or looks.styled(edit, rest)


def _added(edit: Edit, words: Sequence[str]) -> bool:
    said = phrases()
    rest = _verb(words, "add")
    if rest is None and words[0] in ("get", "draw", "+", "adding", "bring", "have", "show", "paint", "see", "use"):
        rest = list(words[1:])
        rest = rest[1:] if rest[:1] in (["me"], ["us"]) else rest
        if words[0] in ("draw", "paint", "show", "see", "have", "use") and (
            not points_back(edit, rest) or rest[0] not in said.indefinite
        ):
            return False
    if not rest:
        return False
    if rest[0] == "it" or rest[:2] == ["to", "it"]:
        return placing.give(edit, rest)
    if rest[:1] == ["a"] and rest[1:2] in (["bit"], ["little"]):
        return False
    while rest and rest[-1] in ("there", "in"):
        rest = rest[:-1]
    if rest[-2:] in (["to", "it"], ["to", "this"]) and rest[-3:-2] not in (["next"], ["close"]):
        rest = rest[:-2]
    if placing.ends_openly(rest):
        return placing.put_to_all(edit, rest)
    if (parts := placing.parted(rest)) is not None and parts.left and parts.right:
        text = " ".join(word for word in parts.right if word not in ARTICLES)
        if text in _BACKGROUNDS:
            return looks.backed(edit, parts.left)
        if text in said.whole or (parts.right == ["it"] and parts.kind == "inside" and words[0] != "with"):
            return placing.add_things(edit, parts.left)
        if place := placing.frame_of([parts.said, *parts.right]):
            return placing.add_things(edit, parts.left) and placing.moved_in_frame(
                edit, Found(list(edit.items), [edit.main]), place
            )
        thing = edit.thing_of(parts.left, bare=True)
        if thing is None:
            return False
        if parts.kind == "with" or edit.find(parts.right) is None:
            return (
                placing.put_new(edit, thing, parts.kind, parts.right)
                if parts.kind != "with"
                else placing.add_things(edit, rest)
            )
        return placing.put_new(edit, thing, parts.kind, parts.right)
    if words[0] == "with":
        thing = edit.thing_of(rest, bare=True)
        if thing is not None and "and" not in rest and (is_garment(thing[0].thing) or rest[0] not in said.definite):
            if is_garment(thing[0].thing):
                placing.hold(edit, Found(list(edit.items), [edit.main]), thing)
                return True
    return placing.add_things(edit, rest)


def points_back(edit: Edit, words: Sequence[str]) -> bool:
    """Tell whether words speak of what is in the picture: "it", "the dog"."""
    said = phrases()
    if any(word in ("it", "him", "her", "them", "its", "his", "their") for word in words):
        return True
    return any(word in said.definite and edit.find(words[at : at + 2]) is not None for at, word in enumerate(words))


def _bare(edit: Edit, words: Sequence[str]) -> bool:
    """Read what stands without a verb: "on the beach", "blue", "bigger", "the dog red", "in 3d", "with a hat"."""
    said = phrases()
    inner = [word for word in words if word != ":"]
    if inner[0] in ("the", "my") and len(inner) > 2 and inner[1] in ("same", "it"):
        inner = inner[2:] if inner[2:3] != ["but"] else inner[3:]
    elif inner[0] in ("same", "but", "this", "it") and len(inner) > 1:
        inner = inner[1:]
    if not inner or not edit.items:
        return False
    it = Found(list(edit.items), [edit.main])
    while inner and inner[0] in ("thing", "picture", "image", "one", "but") and len(inner) > 1:
        inner = inner[1:]
    if looks.sized(edit, it, inner) or looks.styled(edit, inner) or looks.timed(edit, inner):
        return True
    if colour_of(" ".join(inner)) or (inner[0] == "in" and colour_of(" ".join(inner[1:]))):
        if edit.latest == BACKGROUND:
            return looks.backed(edit, [word for word in inner if word != "in"])
        return looks.coloured(edit, it, inner)
    if inner[0] in ("wearing", "holding", "carrying", "with") and len(inner) > 1:
        return placing.hold_listed(edit, it, inner[1:], worn=inner[0] == "wearing")
    if inner[0] == "on" and colour_of(" ".join(inner[1:])):
        return looks.backed(edit, inner[1:])
    if inner[-3:-1] == ["would", "be"] or inner[-4:-2] == ["would", "be"]:
        named = inner[: inner.index("would")]
        named = named[2:] if named[:2] == ["i", "think"] else named
        return bool(named) and (clause(edit, named) or (named[0] in said.indefinite and clause(edit, ["add", *named])))
    if place := placing.frame_of(inner):
        latest = edit.place_of(edit.latest) if edit.latest else None
        return placing.moved_in_frame(edit, it if latest is None else Found(list(edit.items), [latest]), place)
    parts = placing.parted(inner)
    if parts is not None and not parts.left and parts.right:
        return _related(edit, parts, it)
    if inner[0] in ("a", "an") and inner[-1] == "one" and len(inner) > 2:
        return _become(edit, it, inner[1:-1])
    for cut in range(len(inner) - 1, 0, -1):
        target = inner[:cut]
        if target[0] in said.it and len(target) == 1 and inner[0] != "it":
            continue
        found = edit.find(target) if target[0] not in said.indefinite else None
        rest = [word for word in inner[cut:] if word not in (",", ":")]
        if found is not None and rest and _become(edit, found, rest, things="none"):
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
        if look and places and looks.sized(edit, Found(list(edit.items), places), look):
            return True
    return False


def _related(edit: Edit, parts: placing.Parted, it: Found) -> bool:
    """Read "on the beach", "behind a tree", "beside some grapes", "to the left of it"."""
    if parts.right[-1] in _BACKGROUNDS:
        return looks.backed(edit, parts.right)
    if is_worn(edit, parts.kind, parts.right):
        placing.hold(edit, it, edit.thing_of(parts.right) or ())
        return True
    target = edit.find(parts.right)
    if target is not None:
        latest = edit.place_of(edit.latest) if edit.latest else None
        one = edit.main if latest is None or latest == target.places[0] else latest
        return placing.move(edit, Found(target.items, [one]), parts.kind, parts.right)
    return placing.settle(edit, parts.kind, parts.right)


Reader = Callable[[Edit, Sequence[str]], bool]
"""Makes the change that words ask for, if it is of its kind, and tells whether it was."""
