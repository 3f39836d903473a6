"""A scene: objects, how they stand to each other, background and style; and how it is said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from imagerag.prompt_grammar.noun_phrase import MAX_INSTANCES, SceneObject, article, describe_object
from imagerag.prompt_grammar.vocabulary import (
    GARMENTS,
    RELATION_WORDS,
    SHARED_RELATIONS,
    Joint,
    RelationKind,
)

MORE = re.compile(r"(\d+) more (.+)")
"""How ``Scene.dropped`` says that more of a thing are asked for than are drawn."""


class Relation(NamedTuple):
    """``subject`` stands in this relation to ``anchor``: each a tuple of indices into ``Scene.objects``."""

    kind: RelationKind
    subject: tuple[int, ...]
    anchor: tuple[int, ...]
    said: str = ""
    """The verb, where one says more than the kind: "playing"."""


class StyleConcept(NamedTuple):
    """Something to check that is no object. ``text`` is for people and captions: "blue background", "red car"."""

    kind: Literal["colour", "background", "style"]
    text: str
    value: str
    phrase: str = ""


@dataclass(frozen=True)
class Scene:
    """A parsed prompt.

    Attributes:
        objects: as many as ``noun_phrase.fits`` says, counts included, in the order of the prompt.
        relations: ordered by anchor. "wearing" and "with" belong to one object; every other relation's subject is
            all that was said before it.
        background: a key of ``COLOURS``, or None when the prompt doesn't say.
        styles: style words, each a member of ``STYLES`` where it is one.
        modifiers: how the picture is taken, lit, processed or praised ("85mm lens", "golden hour"), which no critic
            measures; see ``modifiers.toml``.
        unwanted: what a negative prompt or another tool's syntax says not to show, and what can't be looked for;
            ``describe`` leaves it out.
        absent: things that the prompt says are not there, "without a rider": not drawn or looked up, judged as absent.
        dropped: what did not fit any more, in the prompt's words, or as ``MORE`` says; ``describe`` leaves it out.
        notes: sentences for the person on what of the prompt is not heeded; ``describe`` leaves them out.
    """

    objects: tuple[SceneObject, ...] = ()
    relations: tuple[Relation, ...] = ()
    background: str | None = None
    styles: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """A clean prompt for this scene; ``parse_scene`` of it gives the scene again (without what is left out)."""
        joints = {relation.anchor[0]: self._joint(relation) for relation in self.relations}
        text = ""
        for index, thing in enumerate(self.objects):
            joint = f" {joints.get(index, 'and')} " if index else ""
            text += joint + describe_object(thing)
        if self.background:
            text = f"{text} on {article(self.background)} {self.background} background".strip()
        styles = (f"{style} style" for style in self.styles)
        return ", ".join(filter(None, (text, *styles, *self.modifiers, *(f"no {thing}" for thing in self.absent))))

    def _joint(self, relation: Relation) -> str:
        """Say a relation; what is worn by the thing before it, so that nobody else is taken to wear it.

        "A dog below a cat wearing a hat" is the dog's hat, and "with a hat" the cat's.
        """
        last = relation.anchor[0]
        if relation.said or relation.kind != "wearing" or _bearer(self, last - 1, does=True) == relation.subject[0]:
            return relation.said or RELATION_WORDS.get(relation.kind, relation.kind)
        return "with" if _is_garment(self.objects[last]) else "dressed in"

    def content_concepts(self) -> list[str]:
        """The unique object phrases, in order."""
        return list(dict.fromkeys(thing.phrase for thing in self.objects))

    def style_concepts(self) -> list[StyleConcept]:
        """Colours of objects, background and style words, in this order, each once."""
        found = [
            StyleConcept("colour", f"{thing.colour} {thing.phrase}", thing.colour, thing.phrase)
            for thing in self.objects
            if thing.colour
        ]
        if self.background:
            found.append(StyleConcept("background", f"{self.background} background", self.background))
        found += [StyleConcept("style", f"{style} style", style) for style in self.styles]
        return list(dict.fromkeys(found))

    def without(self, phrase: str) -> "Scene":
        """Take all objects called ``phrase`` out, with their relations."""
        kept = [index for index, thing in enumerate(self.objects) if thing.phrase != phrase]
        place = {old: new for new, old in enumerate(kept)}
        relations = []
        for kind, subject, anchor, said in self.relations:
            left = tuple(place[i] for i in subject if i in place)
            right = tuple(place[i] for i in anchor if i in place)
            if left and right:
                relations.append(Relation(kind, left, right, said))
        return replace(self, objects=tuple(self.objects[i] for i in kept), relations=tuple(relations))


def add_object(scene: Scene, thing: SceneObject, joint: Joint, said: str = "") -> Scene:
    """Return the scene with one thing more, joined to what was said before it; ``said`` is as in ``Relation``."""
    room = MAX_INSTANCES - sum(o.count for o in scene.objects)
    if room <= 0:
        # A named object is worth more than one more of another: "five owls and a dog" has its dog.
        most = max(scene.objects, key=lambda o: o.count)
        if most.count == 1:
            return replace(scene, dropped=(*scene.dropped, describe_object(thing)))
        objects = tuple(replace(o, count=o.count - 1) if o is most else o for o in scene.objects)
        scene = replace(scene, objects=objects, dropped=(*scene.dropped, f"1 more {most.phrase}"))
        room = 1
    if thing.count > room:
        scene = replace(scene, dropped=(*scene.dropped, f"{thing.count - room} more {thing.phrase}"))
        thing = replace(thing, count=room)
    garment = _is_garment(thing)
    kind: RelationKind | None
    if joint == "and":
        last = scene.relations[-1] if scene.relations else None
        worn = last is not None and last.kind == "wearing" and last.anchor[-1] == len(scene.objects) - 1
        kind = "wearing" if garment and worn else None
    elif joint == "in":
        kind = "wearing" if garment else "inside"
    else:
        kind = "wearing" if joint == "with" and garment else joint
    index = len(scene.objects)
    relations = scene.relations
    if kind in ("wearing", "with") and index:
        bearer = _bearer(scene, index - 1, bool(said))
        if said == "wearing" and bearer == _bearer(scene, index - 1):
            said = ""  # it says no more than the kind, and stays true wherever the two are moved
        relations = (*relations, Relation(kind, (bearer,), (index,), said))
    elif kind and index:
        relations = (*relations, Relation(kind, tuple(range(index)), (index,), said))
    elif index and relations and relations[-1].kind in SHARED_RELATIONS:
        # "a sun above a house and a tree": the sun is above both.
        kind, subject, anchor, said = relations[-1]
        relations = (*relations[:-1], Relation(kind, subject, (*anchor, index), said))
    return replace(scene, objects=(*scene.objects, thing), relations=relations)


def merged(dropped: Sequence[str]) -> tuple[str, ...]:
    """Return what did not fit with each thing once: "1 more owl" said twice is "2 more owl"."""
    more: dict[str, int] = {}
    for words in dropped:
        if found := MORE.fullmatch(words):
            more[found[2]] = more.get(found[2], 0) + int(found[1])
    rest = (words for words in dropped if not MORE.fullmatch(words))
    return (*(f"{number} more {phrase}" for phrase, number in more.items()), *rest)


def on_a_side(scene: Scene, side: Literal["left", "right"]) -> Scene | None:
    """Return the scene with its last thing to the left or right of all others: "a dog and a tree on the left".

    None where it is the only one, or stands somewhere already.
    """
    last = len(scene.objects) - 1
    relations = scene.relations
    if relations and relations[-1].kind == "with" and relations[-1].anchor == (last,) and not relations[-1].said:
        relations = relations[:-1]  # "a castle with a dragon on the left"
    if last < 1 or any(last in (*relation.subject, *relation.anchor) for relation in relations):
        return None
    others = tuple(range(last))
    kind: RelationKind = "right of" if side == "left" else "left of"
    return replace(scene, relations=(*relations, Relation(kind, others, (last,))))


def _is_garment(thing: SceneObject) -> bool:
    return thing.phrase.split(" ")[-1] in GARMENTS


def _bearer(scene: Scene, index: int, does: bool = False) -> int:
    """Return who wears, has or (``does``) does it: the last object that isn't itself worn or held.

    What is done is done by who is somewhere, not by the place: "a monkey on a branch eating a banana".
    """
    for kind, subject, anchor, said in reversed(scene.relations):
        if index in anchor and (kind in ("wearing", "with") or (does and not said)):
            return _bearer(scene, subject[0], does)
    return index
