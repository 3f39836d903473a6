"""Which content concepts the grammar finds in the prompts of photographers: ``python -m benchmarks.photo_prompts``.

Precision and recall over all concepts of a list (micro-averaged), of each collection for the half that the vocabulary
was tuned on and for the half that was not looked at. ``--wrong`` shows development prompts that are read wrongly.
"""

import argparse
import tomllib
from pathlib import Path
from typing import Literal, NamedTuple

from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene

Half = Literal["development", "test"]
HALVES: tuple[Half, ...] = ("development", "test")
COLLECTIONS = ("photo_prompts", "guide_prompts", "gallery_prompts")
"""Files beside this one, without their ending."""


class PhotoPrompt(NamedTuple):
    """A prompt and what it asks for.

    Attributes:
        prompt: as somebody would type it.
        concepts: each a tuple of the forms that are right.
        optional: forms that may be found or not.
    """

    prompt: str
    concepts: tuple[tuple[str, ...], ...]
    optional: tuple[str, ...]


class Counts(NamedTuple):
    """What one or more prompts came to: concepts found rightly, found wrongly, and not found."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """Share of the concepts found that are right; 1 where none is found."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Share of the right concepts that are found; 1 where there are none."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def photo_prompts(half: Half, collection: str = "photo_prompts") -> list[PhotoPrompt]:
    """Return the prompts of one list; "a|b" names two forms, "a?" one that is neither asked for nor wrong."""
    data = tomllib.loads(Path(__file__).with_name(f"{collection}.toml").read_text(encoding="utf-8"))
    return [
        PhotoPrompt(
            prompt,
            tuple(tuple(concept.split("|")) for concept in concepts if not concept.endswith("?")),
            tuple(concept.removesuffix("?") for concept in concepts if concept.endswith("?")),
        )
        for prompt, concepts in data[half]["prompts"]
    ]


def count(case: PhotoPrompt) -> Counts:
    """Compare what the grammar finds in one prompt with what is right."""
    found = {singular(concept) for concept in parse_scene(case.prompt).content_concepts()}
    wanted = [{singular(form) for form in forms} for forms in case.concepts]
    right = sum(bool(forms & found) for forms in wanted)
    spurious = found - set().union(*wanted) - set(case.optional)
    return Counts(right, len(spurious), len(wanted) - right)


def total(half: Half, collection: str = "photo_prompts") -> Counts:
    """Add up the counts of one list."""
    counted = [count(case) for case in photo_prompts(half, collection)]
    return Counts(*(sum(column) for column in zip(*counted, strict=True)))


def main() -> None:
    """Print one line per list."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wrong", action="store_true", help="show the development prompts that are read wrongly")
    if parser.parse_args().wrong:
        for case in (case for collection in COLLECTIONS for case in photo_prompts("development", collection)):
            if count(case)[1:] != (0, 0):
                scene = parse_scene(case.prompt)
                print(f"{case.prompt}\n    found {scene.content_concepts()}\n    right {list(case.concepts)}")
    for collection in COLLECTIONS:
        for half in HALVES:
            counts = total(half, collection)
            print(
                f"{collection}, {half}: {len(photo_prompts(half, collection))} prompts, "
                f"precision {counts.precision:.3f}, recall {counts.recall:.3f} "
                f"({counts.right} right, {counts.wrong} wrong, {counts.missed} missed)"
            )


if __name__ == "__main__":
    main()
