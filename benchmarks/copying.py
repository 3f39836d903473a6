"""Does Patchwork copy? The share of drawings, made without references, that some library picture nearly is.

python -m benchmarks.copying [--count N] [--sheet FILE.png]

Two pictures are compared after cropping to their content, as well as shift, scale (each side by itself), turn and
mirroring can align them: by the root mean square difference of colours, relative to how far the two differ from white
paper (else anything pale is like anything pale), and by the correlation of brightness, which a change of colours
cannot hide. "Nearly identical" means: as near as an altered copy is. Library pictures are
moved, scaled, turned by up to 6 degrees and changed in hue; the limit of each measure is what 95 % of those copies
meet, and a drawing counts as copied if it meets either. Drawings of the same concept by another hand show what the
limits mean: how often two artists are that near each other.
"""

import argparse
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.cases import CONCRETE, by_hash, known_concepts
from imagerag.assets.library import Library
from imagerag.generators.base import DrawRequest
from imagerag.generators.registry import load_generator

Floats = NDArray[np.float32]

SIDE = 48
"""Pixels a side at which pictures are compared: fine enough to tell two artists' drawings apart."""
REACH = 2
"""Shifts, in pixels of SIDE, tried in each direction beyond the alignment of the content's edges."""
SCALES = (0.93, 1.0, 1.07)
TURNS = (-8.0, -4.0, 0.0, 4.0, 8.0)
CANDIDATES = 12
"""Of the library's pictures, those nearest by thumbnail are aligned, besides all of the drawing's own concept."""
THUMBNAIL = 12
TUNED = 60
"""Concepts that the sampler's constants were tuned on; the ones after them are measured."""


class Likeness(NamedTuple):
    """How near two pictures are at the best alignment of each measure."""

    difference: float
    correlation: float


def content(image: Image.Image) -> Image.Image:
    """The picture on white, cropped to what isn't white, squared to ``SIDE``."""
    flat = Image.new("RGB", image.size, "white")
    rgba = image.convert("RGBA")
    flat.paste(rgba, mask=rgba.getchannel("A"))
    ink = flat.convert("L").point(lambda value: 255 if value < 246 else 0)
    colour = Image.fromarray((np.asarray(flat).min(axis=2) < 240).astype(np.uint8) * 255)
    box = (colour.getbbox() or ink.getbbox()) or (0, 0, *image.size)
    return flat.crop(box).resize((SIDE, SIDE), Image.Resampling.BOX)


def variants(picture: Image.Image) -> Floats:
    """(n, SIDE + 2 * REACH, same, 3) in 0..1: the picture scaled, turned and mirrored, with a white margin."""
    whole = SIDE + 2 * REACH
    found = []
    for mirrored in (picture, picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)):
        for turn in TURNS:
            for across in SCALES:
                for down in SCALES:
                    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
                    a, b, d, e = cos / across, sin / across, -sin / down, cos / down
                    middle = SIDE / 2
                    c = middle - (a + b) * whole / 2
                    f = middle - (d + e) * whole / 2
                    moved = mirrored.transform(
                        (whole, whole),
                        Image.Transform.AFFINE,
                        (a, b, c, d, e, f),
                        Image.Resampling.BILINEAR,
                        fillcolor="white",
                    )
                    found.append(np.asarray(moved, dtype=np.float32) / 255)
    return np.stack(found)


def likeness(drawing: Image.Image, moved: Floats) -> Likeness:
    """Compare a picture from ``content`` with all ``variants`` of another, in all shifts."""
    wanted = np.asarray(drawing, dtype=np.float32) / 255
    own = np.square(1 - wanted).mean()
    light = wanted.mean(axis=2)
    light = (light - light.mean()) / (light.std() + 1e-6)
    grey = moved.mean(axis=3)
    difference, correlation = np.inf, -1.0
    for y in range(2 * REACH + 1):
        for x in range(2 * REACH + 1):
            part = moved[:, y : y + SIDE, x : x + SIDE]
            ink = (np.square(1 - part).mean(axis=(1, 2, 3)) + own) / 2
            relative = np.square(part - wanted).mean(axis=(1, 2, 3)) / (ink + 1e-6)
            difference = min(difference, float(relative.min()) ** 0.5)
            other = grey[:, y : y + SIDE, x : x + SIDE]
            other = other - other.mean(axis=(1, 2), keepdims=True)
            fit = (other * light).mean(axis=(1, 2)) / (other.std(axis=(1, 2)) + 1e-6)
            correlation = max(correlation, float(fit.max()))
    return Likeness(difference, correlation)


def altered(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A copy that someone might try to pass off: moved, scaled, turned, another hue, 128 x 128."""
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A"))
    turned = flat.rotate(float(rng.uniform(-6, 6)), Image.Resampling.BICUBIC, fillcolor="white")
    sides = [round(128 * float(rng.uniform(0.8, 1.0))) for _ in range(2)]
    small = turned.resize((sides[0], sides[1]), Image.Resampling.BICUBIC)
    hue, saturation, value = small.convert("HSV").split()
    shift = int(rng.integers(-8, 9))
    hue = hue.point(lambda angle: (angle + shift) % 256)
    page = Image.new("RGB", (128, 128), "white")
    spot = (int(rng.integers(0, 129 - sides[0])), int(rng.integers(0, 129 - sides[1])))
    page.paste(Image.merge("HSV", (hue, saturation, value)).convert("RGB"), spot)
    return page


class Shelf:
    """The library's pictures, cropped, with thumbnails to find the nearest by."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.contents = [content(library.image(i)) for i in range(len(library.entries))]
        self._thumbs = np.stack([_thumbnail(picture) for picture in self.contents])
        self._variants: dict[int, Floats] = {}

    def nearest(self, drawing: Image.Image, concept: str, without: frozenset[int] = frozenset()) -> list[int]:
        """Rows worth aligning: of this concept, and the nearest by thumbnail whatever they show."""
        small = content(drawing)
        distance = np.square(self._thumbs - _thumbnail(small)).mean(axis=1)
        order = [int(i) for i in np.argsort(distance) if int(i) not in without]
        own = [i for i in self.library.by_concept.get(concept, ()) if i not in without]
        return list(dict.fromkeys([*own, *order[:CANDIDATES]]))

    def compare(self, drawing: Image.Image, rows: list[int]) -> tuple[Likeness, int]:
        """The likeness to the nearest of these rows (each measure by itself), and the row nearest in colour."""
        small = content(drawing)
        found = [likeness(small, self._moved(row)) for row in rows]
        best = int(np.argmin([one.difference for one in found]))
        return Likeness(found[best].difference, max(one.correlation for one in found)), rows[best]

    def _moved(self, row: int) -> Floats:
        if row not in self._variants:
            if len(self._variants) > 200:
                self._variants.clear()
            self._variants[row] = variants(self.contents[row])
        return self._variants[row]


def _hand(name: str) -> str:
    """Fluent's flat pictures are its coloured ones again, by the same artists."""
    return name.removesuffix("-flat")


def _thumbnail(picture: Image.Image) -> Floats:
    small = picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32).ravel() / np.float32(255)


def main() -> None:
    """Print the share, and what the limits mean."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=100, help="base concepts; one drawing each")
    options.add_argument("--sheet", help="write drawings and their nearest pictures here, nearest first")
    chosen = options.parse_args()
    library = Library()
    shelf = Shelf(library)
    rng = np.random.default_rng(7)
    concrete = [i for i, entry in enumerate(library.entries) if entry.category in CONCRETE]
    picked = [int(i) for i in rng.choice(concrete, chosen.count, replace=False)]
    copies = [shelf.compare(altered(library.image(i), rng), [i])[0] for i in picked]
    most = float(np.quantile([copy.difference for copy in copies], 0.95))
    least = float(np.quantile([copy.correlation for copy in copies], 0.05))

    def near(one: Likeness) -> bool:
        return one.difference <= most or one.correlation >= least

    print(f"altered copies: 95 % differ by at most {most:.3f}, and correlate by at least {least:.3f}: the limits")
    hands = []
    for i in picked:
        entry = library.entries[i]
        hand = _hand(entry.set)
        same = frozenset(row for row, other in enumerate(library.entries) if _hand(other.set) == hand)
        hands.append(shelf.compare(library.image(i), shelf.nearest(library.image(i), entry.concept, same))[0])
    print(f"library pictures that one by another hand nearly is: {np.mean([near(one) for one in hands]):.1%}")
    generator = load_generator("patchwork")
    results = []
    for place, name in enumerate(by_hash("copying", known_concepts(library))[TUNED : TUNED + chosen.count]):
        image = generator.draw(DrawRequest(name, (place,)))[0].image
        found, row = shelf.compare(image, shelf.nearest(image, name))
        results.append((found, name, image, row))
    results.sort(key=lambda result: result[0].difference)
    share = np.mean([near(result[0]) for result in results])
    groups = (copies, hands, [result[0] for result in results])
    medians = [float(np.median([one.difference for one in group])) for group in groups]
    print(f"median difference: altered copy {medians[0]:.3f}, another hand {medians[1]:.3f}, drawing {medians[2]:.3f}")
    print(f"drawings of {len(results)} base concepts that a library picture nearly is: {share:.1%}   (wanted < 10%)")
    if chosen.sheet:
        sheet = Image.new("RGB", (12 * 100, (len(results) + 5) // 6 * 114), "white")
        pen = ImageDraw.Draw(sheet)
        for place, (found, name, image, row) in enumerate(results):
            x, y = place % 6 * 200, place // 6 * 114
            mark = "COPY " if near(found) else ""
            pen.text((x + 2, y), f"{mark}{found.difference:.3f} {found.correlation:.2f} {name}"[:34], fill="black")
            sheet.paste(image.resize((98, 98)), (x, y + 14))
            sheet.paste(library.image(row).resize((98, 98)), (x + 99, y + 14), library.image(row).resize((98, 98)))
        sheet.save(chosen.sheet)


if __name__ == "__main__":
    main()
