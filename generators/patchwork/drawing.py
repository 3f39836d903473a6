"""Patchwork, the embedded generator: a closed-form diffusion sampler over a small set of pictograms."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from imagerag.errors import InvalidArgument
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, Reference, Reuse
from imagerag.generators.framing import CORNERS, ZOOM, sky
from imagerag.generators.layout import Place, arrange
from imagerag.generators.patchwork.knowledge import STYLE_SETS, Embeds, Knowledge, Pictures
from imagerag.generators.patchwork.matting import Floats, cut_out, fit
from imagerag.generators.patchwork.recolour import recolour
from imagerag.modes import Isolation
from imagerag.prompt_grammar.inflection import plural, singular
from imagerag.prompt_grammar.modifiers import uses
from imagerag.prompt_grammar.noun_phrase import MAX_INSTANCES, SceneObject
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import MORE, Scene
from imagerag.prompt_grammar.vocabulary import COLOURS

if TYPE_CHECKING:
    from imagerag.generators.patchwork.sampling import Layer

PREVIEW_EVERY = 5
"""Steps between two previews; there is one after the first step, too: that it has begun is what people wait to see."""
VERSION = 6
"""Raised whenever the same request is drawn otherwise: 6 draws up to nine things."""
MAX_REFERENCES = 6
MIN_SIDE, MAX_SIDE = 16, 512
SEED_LIMIT = 2**63
SMALLEST_LAYER = 16
"""Pixels a side; smaller objects than this can't be told from each other anyway."""
FILL = 0.82
"""Share of its box that the longer side of an object takes, before the seed bends it."""
ROOM = 1.3
"""Side of the layer that an object is drawn on, in sides of its box."""


@dataclass(frozen=True)
class Example:
    """One picture in the data set of an object."""

    cut: Floats
    concept: str
    set: str
    sha256: str
    weight: float
    reference: bool

    def facts(self) -> dict[str, object]:
        return {
            "concept": self.concept,
            "set": self.set,
            "weight": round(self.weight, 4),
            "reference": self.reference,
            "sha256": self.sha256,
        }


class PatchworkGenerator:
    """Draws pictograms from the library's base set and from the references it is given; needs no weights.

    Args:
        library: the reference library; only its ``in_base`` entries are drawn from.
        embedder: places phrases that are no name of the base set among those that are.
        size: side of the drawings in pixels, 16..512.
        steps: denoising steps, 1..200.

    Raises:
        InvalidArgument: size or steps out of range.
    """

    name = "patchwork"
    max_references = MAX_REFERENCES
    redraws_parts = True
    # References alone: what the base set makes of a concept it lacks is what the critic has just found wrong. (On the
    # half dev, 0.85 at first left parts of that in the picture and found as many concepts.)
    reference_scales = (1.0,)
    # Every patch is that of a pictogram which people have drawn, of the base set or a reference.
    reuses: Reuse = "own pictures"
    # Of busy grounds, which cut_out can't tell from the thing, the least gets into the drawing; benchmarks.isolation.
    isolation: Isolation = "cut"

    def __init__(self, library: Pictures, embedder: Embeds, *, size: int = 128, steps: int = 24) -> None:
        if not MIN_SIDE <= size <= MAX_SIDE:
            raise InvalidArgument(f"size {size!r}; valid: {MIN_SIDE}..{MAX_SIDE} pixels")
        if not 1 <= steps <= 200:
            raise InvalidArgument(f"steps {steps!r}; valid: 1..200")
        self._library = library
        self._knowledge = Knowledge(library, embedder)
        self._size = size
        self._steps = steps
        # Names of the whole library: the grammar shall not cut "house with garden" because the base set lacks it.
        self._names = frozenset(entry.concept.lower() for entry in library.entries)
        base = "".join(entry.sha256 for entry in library.entries if entry.in_base)
        self.revision = f"{VERSION}-{hashlib.sha256(base.encode()).hexdigest()[:8]}"

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed; see ``Generator.draw``.

        Raises:
            InvalidArgument: nothing to draw in the prompt, no seeds, a seed outside 0..2**63 - 1, too many references,
                or a scale outside 0..1.
        """
        scene, within = self._part(self._validated(request), request)
        control.check()
        from imagerag.generators.patchwork.sampling import Walks, rough, sample

        references, unused = self._assign(request.references, scene, request)
        data = [self._examples(thing, references[i], scene, request) for i, thing in enumerate(scene.objects)]
        places = arrange(scene)
        layers = [self._layer(place, scene.objects[place.index], data[place.index]) for place in places]
        background = COLOURS[_background(scene)]

        def after_step(done: int, walks: Walks) -> None:
            control.step(done, self._steps)
            if control.wants_previews and (done == 1 or done % PREVIEW_EVERY == 0) and done < self._steps:
                control.preview(rough(layers, walks.latents[0], background, self._size))
            if done < self._steps:
                control.check()

        pictures = sample(layers, request.seeds, self._steps, background, self._size, after_step)
        facts = self._facts(scene, places, data, unused)
        return [
            Drawing(image=self._laid(image, request, background, within), seed=seed, facts=facts)
            for image, seed in zip(pictures, request.seeds, strict=True)
        ]

    def _part(self, scene: Scene, request: DrawRequest) -> tuple[Scene, bool]:
        """Return what is to be drawn, and whether that goes into the mask's box.

        Where a part of an image is redrawn, things that it does not show yet go into the part alone. A change of what
        it shows is drawn as a whole, in its old place, of which the mask lets the part through.
        """
        if request.redraw is None:
            return scene, False
        new = scene
        for phrase in parse_scene(request.redraw.prompt, self._names).content_concepts():
            new = new.without(phrase)
        return (new, True) if new.objects else (scene, False)

    def _laid(
        self, image: Image.Image, request: DrawRequest, background: tuple[int, int, int], within: bool
    ) -> Image.Image:
        """Return a square drawing on its canvas; ``within``: as large as the mask's box lets it be, in the middle."""
        if not within or request.redraw is None:
            # The background is plain, so more of it beside the square is what a wider canvas would have shown.
            return ImageOps.pad(image, self._canvas(request), color=background)
        left, top, right, bottom = request.redraw.mask.getbbox() or (0, 0, *request.redraw.mask.size)
        side = max(min(right - left, bottom - top), 1)
        canvas = Image.new("RGB", request.redraw.image.size, background)
        corner = (left + right - side) // 2, (top + bottom - side) // 2
        canvas.paste(image.resize((side, side), Image.Resampling.LANCZOS), corner)
        return canvas

    def _canvas(self, request: DrawRequest) -> tuple[int, int]:
        """Return width and height: of the ratio asked for, the shorter side as long as the square's."""
        ratio = 1.0 if request.size is None else request.size.ratio
        return max(round(self._size * ratio), self._size), max(round(self._size / ratio), self._size)

    def _validated(self, request: DrawRequest) -> Scene:
        if not request.seeds:
            raise InvalidArgument("seeds (); valid: at least one")
        for seed in request.seeds:
            if not 0 <= seed < SEED_LIMIT:
                raise InvalidArgument(f"seed {seed!r}; valid: 0..{SEED_LIMIT - 1}")
        if not 0 <= request.reference_scale <= 1:
            raise InvalidArgument(f"reference_scale {request.reference_scale!r}; valid: 0..1")
        if len(request.references) > MAX_REFERENCES:
            raise InvalidArgument(f"{len(request.references)} references; valid: at most {MAX_REFERENCES}")
        scene = parse_scene(request.prompt, self._names)
        if not scene.objects:
            raise InvalidArgument(f"prompt {request.prompt[:80]!r} names nothing to draw; valid: e.g. 'a red owl'")
        return scene

    def _assign(
        self, references: Sequence[Reference], scene: Scene, request: DrawRequest
    ) -> tuple[list[list[Reference]], list[str]]:
        """Sort references to objects; the second value names the ones that stand for none."""
        own: list[list[Reference]] = [[] for _ in scene.objects]
        unused: list[str] = []
        if request.reference_scale == 0:
            return own, []
        phrases = [thing.phrase for thing in scene.objects]
        for reference in references:
            wanted = parse_scene(reference.concept, self._names)
            stated = [thing.phrase for thing in wanted.objects]
            if not reference.concept.strip() or reference.concept.strip() == request.prompt.strip():
                # A person's own picture is who the picture is about: what the prompt names first, not all it names.
                matches = list(range(len(phrases)))[: 1 if reference.kind == "subject" else None]
            elif not stated:
                # A style or background word: a picture of it has no place of its own.
                unused.append(reference.concept)
                continue
            else:
                matches = [i for i, phrase in enumerate(phrases) if phrase in stated]
                if not matches and len(phrases) == 1:
                    matches = [0]
                if not matches:
                    vectors = np.stack([self._knowledge.vector(phrase) for phrase in phrases])
                    matches = [int(np.argmax(vectors @ self._knowledge.vector(singular(stated[0]))))]
            for index in matches:
                own[index].append(reference)
        return own, unused

    def _examples(
        self, thing: SceneObject, references: Sequence[Reference], scene: Scene, request: DrawRequest
    ) -> list[Example]:
        scale = request.reference_scale if references else 0.0
        found: list[Example] = []
        if scale < 1:
            for index, entry, weight in self._knowledge.examples(thing.phrase, scene.styles):
                cut = cut_out(self._library.image(index))
                found.append(Example(cut, entry.concept, entry.set, entry.sha256, weight * (1 - scale), False))
        for reference in references if scale > 0 else ():
            digest = reference.sha256 or hashlib.sha256(reference.image.convert("RGBA").tobytes()).hexdigest()
            share = scale / len(references)
            found.append(Example(cut_out(reference.image), reference.concept, reference.kind, digest, share, True))
        if not found:
            raise InvalidArgument(f"nothing to draw {thing.phrase!r} from: the base set is empty; valid: references")
        if thing.colour:
            found = [_recoloured(example, COLOURS[thing.colour]) for example in found]
        return found

    def _layer(self, place: Place, thing: SceneObject, data: Sequence[Example]) -> "Layer":
        import torch

        from imagerag.generators.patchwork.sampling import Layer

        left, top, side = self._box(place)
        # Room around the object for what a seed does to it; a multiple of the coarsest level's factor.
        layer_side = math.ceil(side * ROOM / 4) * 4
        margin = (layer_side - side) // 2
        examples = np.stack(
            [
                fit(example.cut, layer_side, side * FILL, ratio)
                for example, ratio in zip(data, _ratios(data), strict=True)
            ]
        )
        return Layer(
            examples=torch.from_numpy(examples),
            log_prior=torch.tensor([math.log(example.weight) for example in data]),
            keys=tuple(int(hashlib.sha256(example.sha256.encode()).hexdigest()[:12], 16) + 2 for example in data),
            left=left - margin,
            top=top - margin,
            tint=thing.colour is None,
        )

    def _box(self, place: Place) -> tuple[int, int, int]:
        side = max(SMALLEST_LAYER, round(place.side * self._size))
        return round(place.x * self._size), round(place.y * self._size), side

    def _facts(
        self, scene: Scene, places: Sequence[Place], data: Sequence[Sequence[Example]], unused: Sequence[str]
    ) -> Mapping[str, object]:
        objects = []
        for place in sorted(places, key=lambda place: place.index):
            thing = scene.objects[place.index]
            left, top, side = self._box(place)
            objects.append(
                {
                    "phrase": thing.phrase,
                    "box": [left, top, left + side, top + side],
                    "colour": thing.colour,
                    "size": thing.size,
                    "depth": place.depth,
                    "examples": [example.facts() for example in data[place.index]],
                }
            )
        return {
            "size": self._size,
            "steps": self._steps,
            "background": _background(scene),
            "styles": [style for style in scene.styles if style in STYLE_SETS],
            "styles_ignored": _not_heeded(scene),
            "objects": objects,
            "dropped": list(scene.dropped),
            "notes": [
                *scene.notes,
                *(f"the embedded generator can't draw {text!r}, so it shows nothing of it" for text in _unfit(scene)),
                *_left_out(scene),
                *self._stand_ins(scene, data),
            ],
            "references_unused": list(unused),
        }

    def _stand_ins(self, scene: Scene, data: Sequence[Sequence[Example]]) -> Iterator[str]:
        for thing, examples in zip(scene.objects, data, strict=True):
            nearest = self._knowledge.stand_ins(thing.phrase)
            if not nearest or any(example.reference for example in examples):
                continue
            *others, last = map(repr, nearest)
            what = f"a mixture of what is nearest to it: {', '.join(others)} and {last}"
            single = f"what is nearest to it, {last}"
            yield f"the pictograms have no {thing.phrase!r}; drawn as {what if others else single}"


def _left_out(scene: Scene) -> Iterator[str]:
    """Yield a sentence on what did not fit, if anything."""
    told = []
    for words in scene.dropped:
        more = MORE.fullmatch(words)
        told.append(f"{more[1]} more {plural(more[2]) if more[1] != '1' else more[2]}" if more else words)
    if told:
        yield (
            f"not drawn, since one picture holds {MAX_INSTANCES} things: {', '.join(told)}; ask for it in a picture "
            "of its own, or leave something else out"
        )


def _background(scene: Scene) -> str:
    """Return the colour behind everything: the one asked for, or that of the time of day."""
    return scene.background or sky(scene.modifiers) or "white"


def _not_heeded(scene: Scene) -> list[str]:
    """Return the styles and modifiers that change nothing of a drawing."""
    heeded = ZOOM.keys() | CORNERS.keys()
    modifiers = [word for word in scene.modifiers if word not in heeded and sky([word]) is None]
    return [*(style for style in scene.styles if style not in STYLE_SETS), *modifiers]


def _unfit(scene: Scene) -> list[str]:
    """Return those of them that name a style, which people expect to see."""
    named = ("medium", "movement")
    return [
        text
        for text in _not_heeded(scene)
        if text in scene.styles or text.endswith(" style") or uses(text) & set(named) or text == "photorealistic"
    ]


def _recoloured(example: Example, colour: tuple[int, int, int]) -> Example:
    return Example(
        recolour(example.cut, colour),
        example.concept,
        example.set,
        example.sha256,
        example.weight,
        example.reference,
    )


def _ratios(data: Sequence[Example]) -> list[float]:
    """Aspect ratios that bring the examples of one object nearer to each other, so that their parts fit."""
    logs = [math.log(example.cut.shape[1] / example.cut.shape[0]) for example in data]
    total = sum(example.weight for example in data)
    middle = sum(example.weight * value for example, value in zip(data, logs, strict=True)) / total
    return [math.exp(value + max(min(middle - value, MAX_STRETCH), -MAX_STRETCH) * PULL) for value in logs]


PULL, MAX_STRETCH = 0.6, 0.4
"""How far an example's log aspect ratio goes towards the mean, and the most of it that counts."""
