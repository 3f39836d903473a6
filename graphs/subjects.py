"""What the person's own images stand for in a turn's picture: "my badge on a cake" with an uploaded picture."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import Scene
from imagerag.records import ReferenceRecord

_OWN = re.compile(
    r"\b(?:my|our|mine|(?:this|the|that)(?: (?:uploaded|attached|enclosed|given|sent))|uploaded|attached|this|these)\s+"
)
"""What stands before the name of what a person has sent a picture of."""
_LONGEST_NAME = 6
"""Words behind "my" among which the name of a thing is looked for."""


@dataclass(frozen=True)
class Assigned:
    """What each of the person's images stands for.

    Attributes:
        records: with their concepts; empty where the request doesn't tell.
        notes: sentences for the person on what is done with images that the request doesn't name.
    """

    records: list[ReferenceRecord]
    notes: list[str]


def assigned(request: str, prompt: str, subjects: Sequence[ReferenceRecord]) -> Assigned:
    """Tell what newly sent images stand for in the picture.

    Args:
        request: as the person said it.
        prompt: of the whole picture.
        subjects: sent with the request, in order.
    """
    scene = parse_scene(prompt)
    own = owned(request, scene)
    things = scene.content_concepts()
    records: list[ReferenceRecord] = []
    notes: list[str] = []
    for number, record in enumerate(subjects):
        if number < len(own):
            records.append({**record, "concept": own[number]})
            continue
        records.append(record)
        if things:
            notes.append(_unnamed(record["title"], own, things[0], number + 1, len(subjects)))
    return Assigned(records, notes)


def _unnamed(title: str, own: Sequence[str], thing: str, number: int, count: int) -> str:
    if own:
        return (
            f"{title!r}, picture {number} of {count}, is drawn as the {own[0]} as well, since the request names no "
            f'other thing of yours; name what each of them shows, in their order ("my {own[0]} and my hat ...")'
        )
    return (
        f"{title!r} is drawn as the {thing}, since the request doesn't say what it shows; "
        f'say "my {thing}", or name what it is ("my badge on a cake")'
    )


def owned(request: str, scene: Scene) -> list[str]:
    """Return the things of a scene that a request calls the person's own, in the order of the request."""
    things = [thing.phrase for thing in scene.objects]
    found: dict[str, None] = {}
    text = request.lower()
    for match in _OWN.finditer(text):
        words = re.findall(r"[\w'-]+", text[match.end() : match.end() + 80])[:_LONGEST_NAME]
        named = [
            thing
            for start in range(min(3, len(words)))
            for thing in things
            if _begins(words[start:], thing) and thing not in found
        ]
        if named:
            found[max(named, key=len)] = None
    return list(found)


def _begins(words: Sequence[str], thing: str) -> bool:
    parts = thing.split()
    head = list(words[: len(parts)])
    return head == parts or singular(" ".join(head)) == thing


def kept_subjects(
    prompt: str, before: Sequence[ReferenceRecord], *, change: bool, request: str
) -> tuple[list[ReferenceRecord], list[str]]:
    """Return the person's images of earlier turns that this one still draws with, and notes on those it leaves out.

    Args:
        prompt: of the whole picture.
        before: the images that the turn before drew with, or all of the thread for a picture that is new.
        change: whether the turn changes an earlier picture; a new one has nothing of it but what it names as one's own.
        request: as the person said it.
    """
    scene = parse_scene(prompt)
    things = {thing.phrase for thing in scene.objects}
    own = set(owned(request, scene))
    kept = [
        record
        for record in before
        if (change and (not record["concept"] or record["concept"] in things)) or record["concept"] in own - {""}
    ]
    left = [record for record in before if record not in kept] if change else []
    notes = [
        f"{record['title']!r} is not drawn with any more: the picture has no {record['concept']}" for record in left
    ]
    if not change and before and not kept:
        titles = ", ".join(dict.fromkeys(repr(record["title"]) for record in before))
        notes.append(f'this is a new picture, without {titles} of earlier; say "my ..." of what it shows to have it in')
    return kept, notes
