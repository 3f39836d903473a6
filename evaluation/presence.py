"""Concept presence on pictograms, by judges that are not the critic.

Things are recognised by a network of its own (``imagerag.evaluation.evaluator``), those that the prompt names a colour
for whatever colour they have. Counts, places, colours, styles and absences are read off the layout that Patchwork
records in the image's manifest: what it really drew, where, from which pictures. Nothing of either is ever shown to the
critic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from imagerag.assets.library import Library, bundled_library
from imagerag.evaluation.evaluator import Evaluator
from imagerag.evaluation.metrics.base import Need
from imagerag.evaluation.records import Concept, Drawing, Measurement, SuitePrompt
from imagerag.generators.patchwork.knowledge import STYLE_SETS
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.vocabulary import COLOURS
from imagerag.store.manifest import KEYWORD

if TYPE_CHECKING:
    from PIL import Image

STYLE_SHARE = 0.5
"""Share of the weight of a thing's examples that has to come from sets of the style: more than not."""

Object = Mapping[str, Any]
"""One instance in ``facts["objects"]`` of Patchwork."""


class PictogramPresence:
    """The metric ``presence``: 1.0 where every concept of the prompt is seen, else 0.0; ``parts`` tell which are.

    A concept that can't be judged has no part: a thing that the network was not trained on, or a count, place, colour,
    style or absence in an image without a recorded layout. The value is ``None`` where one of them has none.
    """

    name = "presence"
    needs: frozenset[Need] = frozenset(["concepts"])

    def __init__(self, evaluator: Evaluator | None = None, library: Library | None = None) -> None:
        self.notes: dict[str, int] = {}
        self._given = evaluator
        self._library = library or bundled_library()
        self._seen: tuple[str, frozenset[str]] = ("", frozenset())
        self._coloured: tuple[str, dict[tuple[str, str], bool]] = ("", {})

    @cached_property
    def _evaluator(self) -> Evaluator:
        return self._given or Evaluator()

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._evaluator.concepts)

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """Return what is seen of the prompt's concepts.

        Args:
            drawing: of the image.
            prompt: that it was drawn for.
            image: as opened from its PNG, with the manifest in ``info``.
        """
        objects = recorded_objects(image)
        colours = {concept.thing: concept.value for concept in prompt.concepts if concept.kind == "colour"}
        parts = {}
        for concept in prompt.concepts:
            seen: bool | None
            if concept.kind == "thing":
                name = concept.thing or concept.text
                seen = self._is_seen(name, colours.get(name, ""), drawing, image)
            else:
                seen = self._is_recorded(concept, objects)
            if seen is not None:
                parts[concept.text] = float(seen)
        whole = len(parts) == len({concept.text for concept in prompt.concepts})
        value = float(all(parts.values())) if whole else None
        return Measurement(drawing.arm, drawing.prompt, drawing.seed, value, parts)

    def _is_recorded(self, concept: Concept, objects: Sequence[Object] | None) -> bool | None:
        """Tell what the recorded layout says of a concept that is no thing."""
        if objects is None:
            return None
        own = [one for one in objects if one["phrase"] == concept.thing]
        if concept.kind == "count":
            return len(own) == int(concept.value)
        if concept.kind == "colour":
            return bool(own) and all(one["colour"] == concept.value for one in own)
        if concept.kind == "style":
            return bool(own) and all(self._share_of_style(one, concept.value) >= STYLE_SHARE for one in own)
        if concept.kind == "absence":
            return not any(self._shows(one, singular(concept.thing)) for one in objects)
        if concept.kind == "relation":
            others = [one for one in objects if one["phrase"] == concept.other]
            return stand(concept.value, own, others)
        return None

    def _is_seen(self, name: str, colour: str, drawing: Drawing, image: Image.Image) -> bool | None:
        """Tell whether a thing is seen; several arms often return the same image, which is looked at once."""
        if name not in self._known:
            return None
        if colour not in COLOURS:
            return name in self._things(drawing, image)
        if self._coloured[0] != drawing.image:
            self._coloured = drawing.image, {}
        known = self._coloured[1]
        if (name, colour) not in known:
            known[name, colour] = self._evaluator.present(image, name, colour)
        return known[name, colour]

    def _things(self, drawing: Drawing, image: Image.Image) -> frozenset[str]:
        """Return all that the network sees in its own colours."""
        if self._seen[0] != drawing.image:
            evidence = self._evaluator.evidence(image)
            names = zip(self._evaluator.concepts, evidence, strict=True)
            self._seen = drawing.image, frozenset(name for name, odds in names if odds >= self._evaluator.threshold)
        return self._seen[1]

    def _shows(self, one: Object, name: str) -> bool:
        """Tell whether an object is called so, or is drawn from a picture of it."""
        return one["phrase"] == name or any(self._concept_of(example) == name for example in one["examples"])

    def _concept_of(self, example: Mapping[str, Any]) -> str:
        """Return what an example shows: of a reference not what it was looked up for, but what the library says."""
        row = self._library.find(example["sha256"])
        return str(example["concept"]) if row is None else self._library.entries[row].concept

    def _share_of_style(self, one: Object, style: str) -> float:
        sets = STYLE_SETS[style]
        share = 0.0
        for example in one["examples"]:
            row = self._library.find(example["sha256"])
            if row is not None and sets.get(self._library.entries[row].set, 0.0) >= STYLE_SHARE:
                share += example["weight"]
        return share / (sum(example["weight"] for example in one["examples"]) or 1.0)


def recorded_objects(image: Image.Image) -> list[Object] | None:
    """Return the objects of the layout that the image's generator has recorded; ``None`` where it records none."""
    text = image.info.get(KEYWORD)
    if not isinstance(text, str):
        return None
    objects = json.loads(text)["facts"].get("objects")
    return objects if isinstance(objects, list) else None


def stand(relation: str, subjects: Sequence[Object], anchors: Sequence[Object]) -> bool:
    """Tell whether each subject stands so to each anchor, by their boxes (left, top, right, bottom) and depths.

    Args:
        relation: "left of", "right of", "above", "below", "in front of" or "behind".
        subjects, anchors: none of either stand in no relation.
    """
    pairs = [(one, other) for one in subjects for other in anchors]
    return bool(pairs) and all(_stands(relation, one, other) for one, other in pairs)


def _stands(relation: str, one: Object, other: Object) -> bool:
    (x, y), (other_x, other_y) = _middle(one), _middle(other)
    if relation == "left of":
        return x < other_x
    if relation == "right of":
        return x > other_x
    if relation == "above":
        return y < other_y
    if relation == "below":
        return y > other_y
    if relation not in ("in front of", "behind"):
        raise ValueError(f"relation {relation!r} can't be read off a layout")
    nearer = one["depth"] > other["depth"] if relation == "in front of" else one["depth"] < other["depth"]
    return bool(nearer and _overlap(one["box"], other["box"]))


def _middle(one: Object) -> tuple[float, float]:
    left, top, right, bottom = one["box"]
    return (left + right) / 2, (top + bottom) / 2


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return max(one[0], other[0]) < min(one[2], other[2]) and max(one[1], other[1]) < min(one[3], other[3])


class WrongReferences:
    """The metric ``wrong_references``: the share of the used references that show something else than was wanted.

    ``None`` where none was used, or one is none of the bundled library's. ``parts`` has each by its title.
    """

    name = "wrong_references"
    needs: frozenset[Need] = frozenset()

    def __init__(self, library: Library | None = None) -> None:
        self.notes: dict[str, int] = {}
        self._library = library or bundled_library()

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """Return it for one drawing; the image itself is not looked at."""
        wanted = {concept.thing or concept.text for concept in prompt.concepts if concept.kind == "thing"}
        wanted |= set(prompt.accepted)
        shown = [self._library.find(reference.sha256) for reference in drawing.references]
        rows = [row for row in shown if row is not None]
        if not rows or len(rows) < len(shown):
            return Measurement(drawing.arm, drawing.prompt, drawing.seed, None)
        concepts = [self._library.entries[row].concept for row in rows]
        parts = {concept: float(concept not in wanted) for concept in concepts}
        value = sum(parts[concept] for concept in concepts) / len(concepts)
        return Measurement(drawing.arm, drawing.prompt, drawing.seed, value, parts)
