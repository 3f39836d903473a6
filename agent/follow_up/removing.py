"""What is to go, or alone to stay: "remove the hat", "no cats", "the bell is not needed", "only the dog"."""

from collections.abc import Sequence
from dataclasses import replace

from imagerag.agent.follow_up import holding, looks
from imagerag.agent.follow_up.clauses import JOINS, behind_verb, parts_of
from imagerag.agent.follow_up.counting import read_count
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import CannotChange, NotThere, is_garment, is_setting, removed
from imagerag.agent.follow_up.things import Found, matching
from imagerag.prompt_grammar.vocabulary import ARTICLES, BACKGROUND_WORDS


def read_removal(edit: Edit, words: Sequence[str]) -> bool:
    said = phrases()
    if words[-1:] == ["again"] and len(words) > 2:
        words = words[:-1]
    rest = behind_verb(words, "remove")
    if rest is None:
        while len(words) > 2 and (words[-1] == "anymore" or list(words[-2:]) in (["any", "more"], ["any", "longer"])):
            words = words[: -1 if words[-1] == "anymore" else -2]
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
    if rest is None and "without" in words[1:-1] and edit.find(words[: list(words).index("without")]):
        rest = list(words[list(words).index("without") + 1 :])  # "the robot without the umbrella"
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
        return read_removal(edit, ["no", *rest[:at]]) and holding.add_things(edit, rest[at + 1 :])
    for tail in (["in", "it"], ["in", "there"], ["on", "it"]):
        rest = rest[: -len(tail)] if rest[-len(tail) :] == tail and len(rest) > len(tail) else rest
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
    if inner[-1] in BACKGROUND_WORDS:
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
        return bool(worn) and take_out(edit, Found(list(edit.items), worn))
    for word in ("except", "but"):
        if word in inner and inner[0] in ("everything", "all"):
            return keep_only(edit, ["the", *[w for w in inner[inner.index(word) + 1 :] if w != "for"]])
    number, name = looks.number_in(inner)
    name = [word for word in name if word not in ("of", "the", "them")]
    if number and (not name or matching(name, edit.items)):
        places = matching(name, edit.items) if name else [edit.main]
        many = edit.items[places[0]].thing.count
        if len(places) == 1 and many > number:
            return looks.counted(edit, Found(list(edit.items), places), many - number)
    if inner == ["it", "all"] or inner == ["everything"]:
        raise CannotChange("nothing would be left in the picture")
    parts = parts_of(rest, JOINS)
    if len(parts) > 1 and parts[-1][0] == "with":  # "without the car but with a bone"
        return read_removal(edit, [*words[: len(words) - len(rest)], *_till(rest, "with")]) and holding.add_things(
            edit, parts[-1][1:]
        )
    if len(parts) > 1 and edit.find(rest) is None:
        return all(read_removal(edit, ["remove", *part]) for part in parts)
    if modifiers := [word for word in edit.scene.modifiers if " ".join(inner) in (word, word.removesuffix(" style"))]:
        edit.take_scene(replace(edit.scene, modifiers=tuple(w for w in edit.scene.modifiers if w not in modifiers)))
        return True
    found = edit.find(rest)
    if found is None:
        if any(word in said.no_things for word in inner) or len(inner) > 4:
            return False
        if words[0] in ("lose", "cut", "drop", "hide", "leave", "discard") and not edit.knows(inner):
            return False
        raise NotThere(f"there is no {' '.join(inner)} in the picture")
    return take_out(edit, found)


def _till(words: Sequence[str], last: str) -> list[str]:
    """Return the words before the last one of these, and before what joins it to them."""
    left = list(words[: len(words) - 1 - list(reversed(words)).index(last)])
    while left and left[-1] in JOINS:
        left.pop()
    return left


def take_out(edit: Edit, found: Found) -> bool:
    items = list(found.items)
    for at in sorted(found.places, reverse=True):
        items = removed(items, at)
    edit.take(items)
    return True


def keep_only(edit: Edit, words: Sequence[str]) -> bool:
    found = edit.find(words)
    if found is None or words[0] not in phrases().definite:
        return read_count(edit, ["just", *words])
    items = list(found.items)
    for at in reversed(range(len(items))):
        if at not in found.places and not is_setting(items, at):
            items = removed(items, at)
    edit.take(items)
    return True
