"""A generator that costs nothing, and tells where everything stands as Patchwork would; and a critic for it."""

import hashlib
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw

from imagerag.errors import InvalidArgument
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest
from imagerag.generators.layout import arrange
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import COLOURS, STYLES
from imagerag.records import ConceptScore, Verdict
from testing.follow_up_corpus import library_names

SIDE = 128


class Sketches:
    """Draws a box for each thing; the seed gives the boxes' colours. The facts are those that Patchwork records."""

    name, revision, max_references, makes = "sketches", "1", 6, "pictograms"
    reference_scales = (1.0,)

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed.

        Raises:
            InvalidArgument: nothing to draw in the prompt.
        """
        control.check()
        scene = parse_scene(request.prompt, library_names())
        if not scene.objects:
            raise InvalidArgument(f"prompt {request.prompt[:80]!r} names nothing to draw; valid: e.g. 'a red owl'")
        objects: list[dict[str, Any]] = []
        for place in sorted(arrange(scene), key=lambda place: place.index):
            thing = scene.objects[place.index]
            left, top = round(place.x * SIDE), round(place.y * SIDE)
            side = max(8, round(place.side * SIDE))
            objects.append(
                {
                    "phrase": thing.phrase,
                    "box": [left, top, left + side, top + side],
                    "colour": thing.colour,
                    "size": thing.size,
                    "depth": place.depth,
                }
            )
        facts = {
            "background": scene.background or "white",
            "styles": [style for style in scene.styles if style in STYLES],
            "objects": objects,
            "dropped": list(scene.dropped),
        }
        background = COLOURS[scene.background or "white"]
        drawings = []
        for seed in request.seeds:
            image = Image.new("RGB", (SIDE, SIDE), background)
            pen = ImageDraw.Draw(image)
            for one in objects:
                digest = hashlib.sha256(f"{one['phrase']} {one['colour']} {seed}".encode()).digest()
                pen.rectangle(one["box"], fill=(digest[0], digest[1], digest[2]))
            drawings.append(Drawing(image, seed, facts))
        return drawings


class Pleased:
    """A critic that finds everything in every picture."""

    name = "pleased"

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """Return a verdict with nothing missing for each image."""
        return [{"satisfied": True, "score": 1.0, "concepts": [], "missing": [], "critic": self.name} for _ in images]

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """Return every concept as present."""
        return [{"concept": concept, "kind": "content", "present": True, "score": 1.0} for concept in concepts]
