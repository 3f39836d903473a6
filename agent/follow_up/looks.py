"""How a thing, or the whole, is to look: colour, number, style, time of day, background."""

from collections.abc import Sequence
from dataclasses import replace

from imagerag.agent.follow_up.edit import BACKGROUND, Edit, is_known
from imagerag.agent.follow_up.phrases import phrases, starts_with
from imagerag.agent.follow_up.scene_edit import CannotChange, Item, exchanged, is_place, is_setting, removed, surrounded
from imagerag.agent.follow_up.things import Found
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, BACKGROUND_WORDS, STYLE_ALIASES, colour_of, number_of

_SHADES = {"darker": "dark", "lighter": "light", "brighter": "light"}
_NO_BACKGROUND = frozenset(["plain", "empty", "none", "nothing", "transparent", "simple", "clean", "no", "neutral"])
_STYLE_LEADS = ("in the style of", "like", "as", "into", "in")
_FRAMINGS = ("extreme wide shot", "wide shot", "", "close-up", "extreme close-up")
"""From far to near; the words are modifiers."""


def coloured(edit: Edit, found: Found, words: Sequence[str]) -> bool:
    """Give things a colour, a darker or a lighter one; "an orange" is a fruit."""
    if len(words) > 1 and words[-2] in ("a", "an") and is_known(words[-1], edit.known):
        return False
    text = " ".join(
        word
        for word in words
        if word not in ("coloured", "colored", "colour", "color", "in", "all", "a", "an", "the", "one")
    )
    if len([word for word in words if colour_of(word)]) > 1 and not colour_of(text):
        return False
    items = list(found.items)
    shade = next((shade for word, shade in _SHADES.items() if word in words), None)
    for at in found.places:
        thing = items[at].thing
        colour = colour_of(text)
        if shade and not colour:
            plain = (thing.colour or "").split(" ")[-1]
            colour = colour_of(f"{shade} {plain}")
            if colour is None:
                return False
        if colour is None:
            return False
        items[at] = replace(items[at], thing=replace(thing, colour=colour, phrase=_uncoloured(thing.phrase, colour)))
    edit.take(items, found.places[0] if len(found.places) == 1 else None)
    return True


def _uncoloured(phrase: str, colour: str) -> str:
    """Return the name of a thing without the colour in it, which gives way to another: the apple of "red apple"."""
    first, _, rest = phrase.partition(" ")
    return rest if rest and colour_of(first) not in (None, colour) else phrase


def colourless(edit: Edit, found: Found) -> None:
    """Take colours off things."""
    items = list(found.items)
    for at in found.places:
        items[at] = replace(items[at], thing=replace(items[at].thing, colour=None))
    edit.take(items)


def counted(edit: Edit, found: Found, number: int) -> bool:
    """Have so many of a thing."""
    at = found.places[0]
    items = list(found.items)
    alike = [place for place in found.places if items[place].thing.phrase == items[at].thing.phrase]
    if len(alike) < len(found.places):
        return False
    if number < 1:
        raise CannotChange(f"{number} of the {items[at].thing.phrase} can't be drawn; say: remove it")
    change = number - sum(items[place].thing.count for place in alike)
    if change >= 0:  # to the most alike: of "a red balloon and two balloons", one more is no red one
        at = max(alike, key=lambda place: items[place].thing.count)
        items[at] = replace(items[at], thing=replace(items[at].thing, count=items[at].thing.count + change))
        edit.take(items, at)
        return True
    for place in reversed(alike):
        kept = max(items[place].thing.count + change, 0)
        change += items[place].thing.count - kept
        items[place] = replace(items[place], thing=replace(items[place].thing, count=kept))
    for place in reversed(alike):
        if not items[place].thing.count:
            items = removed(items, place)
    edit.take(items, at)
    return True


def styled(edit: Edit, words: Sequence[str]) -> bool:
    """Have all of it in another style, which takes the place of those it had."""
    text = _style_name(words)
    if not text:
        return False
    read = parse_scene(f"a thing, {text}")
    kept = tuple(word for word in edit.scene.modifiers if not is_style(word))
    if text in STYLE_ALIASES:
        edit.take_scene(replace(edit.scene, styles=(STYLE_ALIASES[text],), modifiers=kept))
    elif len(read.objects) == 1 and read.objects[0].phrase == "thing":
        modifiers = tuple(word for word in read.modifiers if word not in kept)
        edit.take_scene(replace(edit.scene, styles=read.styles, modifiers=(*kept, *modifiers)))
    else:
        edit.take_scene(replace(edit.scene, styles=(text,), modifiers=kept))
    return True


def is_style(modifier: str) -> bool:
    said = phrases().styles
    return modifier in said or modifier.removesuffix(" style") in said or modifier.endswith(" style")


def _style_name(words: Sequence[str]) -> str:
    """Return the name of the style that words are; nothing if they are none."""
    said = phrases()
    text = " ".join(words)
    for lead in _STYLE_LEADS:
        if text.startswith(f"{lead} "):
            text = text.removeprefix(f"{lead} ")
            if lead == "in the style of" and len(text.split()) <= 4:
                return text if text in STYLE_ALIASES or text in said.styles else f"{text} style"
            break
    inner = [word for word in text.split() if word not in ARTICLES]
    if inner[-1:] == ["instead"]:
        inner.pop()
    if len(inner) > 1 and inner[-1] in ("style", "look", "emoji", "emojis", "version", "art", "way"):
        name = " ".join(inner[:-1])
        if name in STYLE_ALIASES:
            return name
        if name in said.styles:
            return name
        if inner[-1] == "style" and len(inner) <= 4 and not any(word in said.no_things for word in inner):
            return " ".join(inner)
    if (
        len(inner) == 2
        and inner[1] in ("painting", "drawing", "sketch", "picture", "image")
        and inner[0] in said.styles
    ):
        return inner[0]
    name = " ".join(inner)
    return name if name in STYLE_ALIASES or name in said.styles else ""


def timed(edit: Edit, words: Sequence[str]) -> bool:
    """Have it at another time of day: "at night", "early morning"."""
    said = phrases()
    inner = list(words)
    again = inner[-1:] == ["again"] and inner.pop()
    while len(inner) > 1 and inner[0] in ("early", "late"):
        inner = inner[1:]
    if length := starts_with(inner, said.time_prefixes):
        inner = inner[length:]
    inner = [
        word
        for word in inner
        if word not in ARTICLES and word not in ("time", "like", "early", "late", "it", "be", "be at")
    ]
    text = " ".join(inner)
    if text in ("day", "daytime", "daylight") and (again or any(_is_time(word) for word in edit.scene.modifiers)):
        edit.take_scene(replace(edit.scene, modifiers=tuple(w for w in edit.scene.modifiers if not _is_time(w))))
        return True
    if text not in said.times:
        return False
    kept = tuple(word for word in edit.scene.modifiers if not _is_time(word))
    when = f"a thing, {text} light" if text in ("morning", "evening", "afternoon") else f"a thing at {text}"
    read = parse_scene(when)
    items = [item for item in edit.items if item.thing.phrase not in said.times or not is_place(item.thing)]
    if read.modifiers and len(read.objects) == 1:
        edit.take(items)
        edit.take_scene(replace(edit.scene, modifiers=(*kept, *read.modifiers)))
    else:
        thing = edit.thing_of(["a", *inner])
        if thing is None:
            return False
        edit.take_scene(replace(edit.scene, modifiers=kept))
        edit.take(surrounded(items, "inside", thing[0].thing))
    return True


def _is_time(modifier: str) -> bool:
    said = phrases()
    return any(modifier in (f"at {time}", time, f"{time} light") for time in said.times)


def backed(edit: Edit, words: Sequence[str]) -> bool:
    """Give it another background: a colour, none, or something that all is in front of."""
    said = phrases()
    inner = [
        word
        for word in words
        if word not in ARTICLES
        and word
        not in ("to", "be", "into", "of", "colour", "color", "with", "in", "as", "maybe", "perhaps", "should", "is")
    ]
    while inner and inner[-1] in BACKGROUND_WORDS | {"one", "instead"}:
        inner.pop()
    if len(inner) == 1:
        inner = [_weather(inner[0])]
    text = " ".join(inner)
    if colour := colour_of(text):
        without_times = [
            item
            for at, item in enumerate(edit.items)
            if not (is_setting(edit.items, at) and item.thing.phrase in said.times)
        ]
        if len(without_times) < len(edit.items):  # a sunset is no background that is white
            edit.take(without_times)
        edit.take_scene(replace(edit.scene, background=colour), BACKGROUND)
        return True
    if text in _NO_BACKGROUND:
        items = list(edit.items)
        for at in reversed(range(1, len(items))):
            if is_place(items[at].thing):
                items = removed(items, at)
        edit.take(items)
        edit.take_scene(replace(edit.scene, background=None), BACKGROUND)
        return True
    if inner and timed_words(inner):
        return timed(edit, inner)
    shade = next((shade for word, shade in _SHADES.items() if word in inner), None)
    if shade and edit.scene.background and (colour := colour_of(f"{shade} {edit.scene.background}")):
        edit.take_scene(replace(edit.scene, background=colour), BACKGROUND)
        return True
    if shade:
        return False
    if inner and inner[-1].endswith("y") and not edit.knows(inner):
        return False  # "a funky background" is no thing
    thing = edit.thing_of(["a", *inner]) if inner and not any(word in said.no_things for word in inner) else None
    if not thing or len(thing) != 1:
        return False
    items = list(edit.items)
    for at in reversed(range(1, len(items))):
        if is_place(items[at].thing) and items[at].joint in ("inside", "on", "in front of"):
            items = removed(items, at)
    place = is_place(thing[0].thing)
    edit.scene = replace(edit.scene, background=None)
    edit.take(surrounded(items, "inside" if place else "in front of", thing[0].thing))
    edit.latest = BACKGROUND
    return True


def _weather(word: str) -> str:
    """Return the setting that an adjective is made of: the snow of "snowy", the fog of "foggy"."""
    stem = word.removesuffix("y")
    if stem == word:
        return word
    return next((place for place in (stem, stem[:-1], f"{stem}s") if place in phrases().places), word)


def timed_words(words: Sequence[str]) -> bool:
    return " ".join(words) in phrases().times


def framed(edit: Edit, words: Sequence[str]) -> bool:
    """Show it from nearer or farther away."""
    said = phrases().framing
    text = " ".join(word for word in words if word not in ("please", "then")).removeprefix("from ")
    step = -1 if text in said["out"] else 1 if text in said["in"] else 0
    if not step:
        return False
    now = next((word for word in edit.scene.modifiers if word in _FRAMINGS), "")
    at = _FRAMINGS.index(now) + step
    if not 0 <= at < len(_FRAMINGS):
        raise CannotChange(f"it is as {'far away' if step < 0 else 'near'} as it gets already")
    kept = tuple(word for word in edit.scene.modifiers if word != now)
    edit.take_scene(replace(edit.scene, modifiers=(*kept, *filter(None, [_FRAMINGS[at]]))))
    return True


def replaced(edit: Edit, found: Found, new: Sequence[Item]) -> bool:
    """Put another thing in the place of those found; its number stays where the new words tell none."""
    if len(found.places) != 1:
        items, places = list(found.items), list(found.places)
        for at in reversed(places[1:]):
            items = removed(items, at)
        found = Found(items, places[:1])
    at = found.places[0]
    old, thing = found.items[at].thing, new[0].thing
    if thing.phrase == old.phrase or singular(thing.phrase) == old.phrase:  # "make it a red dog"
        thing = replace(
            old,
            count=thing.count,
            colour=thing.colour or old.colour,
            size=thing.size if thing.size != "normal" else old.size,
        )
    items = exchanged(found.items, at, thing)
    edit.take([*items[: at + 1], *new[1:], *items[at + 1 :]], at)
    return True


def number_in(words: Sequence[str]) -> tuple[int, list[str]]:
    """Return the number that words begin with, 0 if none, and the words behind it."""
    inner = list(words)
    while inner and inner[0] in ("only", "just", "exactly", "about", "the", "of"):
        inner = inner[1:]
    if not inner:
        return 0, []
    if inner[0] in ("a", "an") and len(inner) > 1 and inner[1] in ("single", "lone"):
        return 1, inner[2:]
    if inner[:3] == ["a", "pair", "of"] or inner[:3] == ["a", "couple", "of"]:
        return 2, inner[3:]
    if inner[0] in ("single", "alone"):
        return 1, inner[1:]
    return number_of(inner[0]), inner[1:] if number_of(inner[0]) else inner
