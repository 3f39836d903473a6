"""References with busy backgrounds: how much of the background gets into the drawing, and is the thing still there?

    python -m benchmarks.isolation [--half dev] [--limit N] [--first N]

A pictogram of a concept that the base set lacks is pasted on stripes, blobs, noise or other pictograms, and drawn with
under each setting of ``--isolation``. Then the background alone is exchanged, and the same part drawn with again: the
share of the drawing's pixels that changes is what was copied of the background. Whether the concept is there is judged
by the network of ``benchmarks.evaluator``. Intervals are of the mean difference to ``none``, by bootstrap.
"""

import argparse
import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.cases import Case, lacking_cases
from imagerag.assets.library import Library
from imagerag.embedders.concept_region import MARGINS, concept_region, grown
from imagerag.embedders.registry import embedded_clip
from imagerag.evaluation.evaluator import Evaluator
from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.isolation import Region, isolated
from imagerag.generators.registry import load_generator
from imagerag.modes import ISOLATIONS, Isolation

SIDE = 256
"""Pixels of a reference's side."""
SHOWN = (0.4, 0.7)
"""Side of the pictogram, as a share of that."""
SEEN = 40
"""Change of a channel, 0..255, from which on a pixel of the drawing counts as another."""


class Pair(NamedTuple):
    """Two references that differ in their background alone."""

    one: Image.Image
    other: Image.Image


def stripes(rng: random.Random, library: Library) -> Image.Image:
    """Slanted stripes in four colours."""
    page = Image.new("RGB", (SIDE, SIDE))
    pen, wide = ImageDraw.Draw(page), rng.randint(8, 24)
    colours = [(rng.randint(0, 255), rng.randint(0, 255), rng.randint(0, 255)) for _ in range(4)]
    for number, left in enumerate(range(-SIDE, 2 * SIDE, wide)):
        corners = [(left, 0), (left + wide, 0), (left + wide + SIDE // 2, SIDE), (left + SIDE // 2, SIDE)]
        pen.polygon(corners, fill=colours[number % 4])
    return page


def blobs(rng: random.Random, library: Library) -> Image.Image:
    """Colours that run into each other."""
    return _random_pixels(rng, 12).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def noise(rng: random.Random, library: Library) -> Image.Image:
    """Squares of four pixels a side in random colours."""
    return _random_pixels(rng, SIDE // 4).resize((SIDE, SIDE), Image.Resampling.NEAREST)


def pictograms(rng: random.Random, library: Library) -> Image.Image:
    """Forty other pictograms, one over the other."""
    page = Image.new("RGB", (SIDE, SIDE), (rng.randint(120, 255), rng.randint(120, 255), rng.randint(120, 255)))
    for _ in range(40):
        side = rng.randint(36, 64)
        picture = library.image(rng.randrange(len(library.entries))).resize((side, side))
        page.paste(picture, (rng.randint(-20, SIDE - 20), rng.randint(-20, SIDE - 20)), picture)
    return page


GROUNDS: tuple[Callable[[random.Random, Library], Image.Image], ...] = (stripes, blobs, noise, pictograms)


def pair_of(number: int, case: Case, half: str, library: Library) -> Pair:
    """Return the references of one case, the same on every machine."""
    rng = random.Random(f"{half}{number}")
    picture = library.image(library.by_concept[case.wanted][0]).convert("RGBA")
    side = round(SIDE * rng.uniform(*SHOWN))
    spot = (rng.randint(0, SIDE - side), rng.randint(0, SIDE - side))
    picture = picture.resize((side, side), Image.Resampling.LANCZOS)
    pages = [GROUNDS[(number + more) % len(GROUNDS)](rng, library) for more in (0, 1)]
    for page in pages:
        page.paste(picture, spot, picture)
    return Pair(*pages)


def main() -> None:
    """Draw, compare and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=("dev", "test"), default="dev")
    options.add_argument("--limit", type=int, default=80)
    options.add_argument("--first", type=int, default=0, help="case to begin with")
    chosen = options.parse_args()
    library, clip, evaluator, generator = Library(), embedded_clip(), Evaluator(), load_generator("patchwork")
    copied: dict[Isolation, list[float]] = {how: [] for how in ISOLATIONS}
    there: dict[Isolation, list[float]] = {how: [] for how in ISOLATIONS}
    cases = lacking_cases(library, chosen.half, False)
    for number in range(chosen.first, min(len(cases), chosen.first + chosen.limit)):
        case = cases[number]
        pair = pair_of(number, case, chosen.half, library)
        box = concept_region(pair.one, case.wanted, clip)
        for how in ISOLATIONS:
            region = None
            if how in MARGINS and box is not None:
                region = Region(grown(box, pair.one.size, MARGINS[how]), how == "cut", how == "mask")
            first = isolated(Reference(pair.one, case.wanted), region)
            second = isolated(Reference(pair.other, case.wanted), region and region._replace(cut_out=False))
            if region is not None and region.cut_out and first.image.mode == "RGBA":  # the same part of the other one
                second.image.putalpha(first.image.getchannel("A"))
            # In words a pictogram is what its name says, which stands in the prompt already.
            shown = [(first,), (second,)] if how != "words" else [(), ()]
            drawn = [
                generator.draw(DrawRequest(case.prompt, (case.seed,), references, float(how != "words")))[0].image
                for references in shown
            ]
            pixels = [np.asarray(image, dtype=np.int16) for image in drawn]
            copied[how].append(float((np.abs(pixels[0] - pixels[1]).max(axis=2) > SEEN).mean()))
            there[how].append(float(np.mean([evaluator.present(image, case.wanted) for image in drawn])))
    print(f"{len(copied['none'])} references with busy backgrounds ({chosen.half})")
    for how in ISOLATIONS:
        low, high = _interval(np.subtract(there[how], there["none"]))
        print(
            f"  {how:5} copied of the background {np.mean(copied[how]):.1%}, the concept is there "
            f"{np.mean(there[how]):.1%} (against none {low:+.1%} to {high:+.1%})",
            flush=True,
        )


def _interval(differences: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean."""
    rng = np.random.default_rng(0)
    means = rng.choice(differences, (2000, len(differences))).mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def _random_pixels(rng: random.Random, side: int) -> Image.Image:
    pixels = np.random.default_rng(rng.randrange(2**31)).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


if __name__ == "__main__":
    main()
