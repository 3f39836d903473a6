"""Prompts with counts, positions and absences: the critic against the truth, on composites of library pictures.

    python -m benchmarks.prompt_kinds [--half development] [--count N] [--misses]

A generator that draws what it is told to, whatever the prompt, pastes library pictures where the layout has them and
records them as Patchwork does. In half of the questions the picture is what the prompt asks for; in the other half it
differs in the one thing that the question is about. The critic judges in the graph, as in any run.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, get_args

from PIL import Image

from benchmarks.cases import known_concepts
from imagerag.assets.library import Library
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest
from imagerag.generators.layout import arrange
from imagerag.graphs.agent_graph import build_graph
from imagerag.prompt_grammar.inflection import plural
from imagerag.prompt_grammar.noun_phrase import MAX_INSTANCES, article
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import NUMBERS
from imagerag.settings import Settings

Kind = Literal["counts", "positions", "absences", "large counts"]
KINDS: tuple[Kind, ...] = get_args(Kind)
HALVES = ("development", "test")
SIDE = 128
FILL = 0.82
"""Share of its square that a picture takes, as with Patchwork."""
OPPOSITES = {
    "to the left of": "to the right of",
    "to the right of": "to the left of",
    "above": "under",
    "under": "above",
    "in front of": "behind",
    "behind": "in front of",
    "on": "under",
    "inside": "next to",
}
"""Positions, each with the one that is shown where the answer is no."""


class Question(NamedTuple):
    """A prompt, the prompt whose picture is shown, and whether that is what was asked for."""

    kind: Kind
    asked: str
    shown: str
    right: bool


class Composer:
    """Pastes library pictures together; draws ``shown`` whatever it is asked for."""

    name, revision, max_references, makes = "composites", "1", 6, "pictograms"

    def __init__(self, library: Library) -> None:
        self.shown = ""
        self._library = library
        self._names = frozenset(entry.concept for entry in library.entries)

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed, which chooses the pictures."""
        return [self._drawn(seed) for seed in request.seeds]

    def _drawn(self, seed: int) -> Drawing:
        dice = random.Random(f"{seed} {self.shown}")
        scene = parse_scene(self.shown, self._names)
        page = Image.new("RGB", (SIDE, SIDE), "white")
        objects = []
        for place in arrange(scene):
            thing = scene.objects[place.index]
            side = round(place.side * SIDE)
            left, top = round(place.x * SIDE), round(place.y * SIDE)
            picture = self._library.image(dice.choice(self._library.by_concept[thing.phrase]))
            picture = picture.resize((round(side * FILL),) * 2, Image.Resampling.BILINEAR)
            margin = (side - picture.width) // 2
            page.paste(picture, (left + margin, top + margin), picture)
            box = [left, top, left + side, top + side]
            objects.append({"phrase": thing.phrase, "box": box, "colour": None, "size": "normal", "depth": place.depth})
        facts = {"size": SIDE, "background": "white", "styles": [], "objects": objects, "dropped": []}
        return Drawing(page, seed, facts)


def questions(library: Library, half: str, count: int) -> Iterator[Question]:
    """Yield ``count`` questions of each kind, every second of them with a picture that is not what is asked for."""
    names = known_concepts(library)[200:][HALVES.index(half) :: 2]
    names = [name for name in names if not re.search("o'clock|-thirty", name)]  # hands of two pixels
    known = frozenset(entry.concept for entry in library.entries)
    dice = random.Random(f"prompt kinds {half}")
    makers: dict[Kind, Callable[[Sequence[str], bool, random.Random], Question]] = {
        "counts": _count,
        "positions": _position,
        "absences": _absence,
        "large counts": _large_count,
    }
    for kind in KINDS:
        made = 0
        while made < count:
            question = makers[kind](dice.sample(names, 2), made % 2 == 0, dice)
            if _is_sound(question, names, known):
                made += 1
                yield question


def _is_sound(question: Question, names: Sequence[str], known: frozenset[str]) -> bool:
    """Tell whether what is shown is read as it was meant: not so where a plural is a thing of its own."""
    phrases = {thing.phrase for thing in parse_scene(question.shown, known).objects}
    return phrases <= set(names)


def _count(names: Sequence[str], right: bool, dice: random.Random) -> Question:
    wanted = dice.choice((2, 3, 4))
    shown = wanted if right else dice.choice([number for number in (1, 2, 3, 4) if number != wanted])
    return Question("counts", _counted(names[0], wanted), _counted(names[0], shown), right)


def _large_count(names: Sequence[str], right: bool, dice: random.Random) -> Question:
    """Ask for five or more, every second time beside another thing."""
    wanted = dice.randint(5, MAX_INSTANCES)
    shown = wanted if right else dice.choice([number for number in range(1, MAX_INSTANCES + 1) if number != wanted])
    room = MAX_INSTANCES - max(wanted, shown)
    more = f" and {_counted(names[1], dice.randint(1, room))}" if room and dice.random() < 0.5 else ""
    return Question("large counts", _counted(names[0], wanted) + more, _counted(names[0], shown) + more, right)


def _counted(name: str, number: int) -> str:
    return _a(name) if number == 1 else f"{NUMBERS[number]} {plural(name)}"


def _position(names: Sequence[str], right: bool, dice: random.Random) -> Question:
    asked = dice.choice(list(OPPOSITES))
    shown = asked if right else OPPOSITES[asked]
    first, second = map(_a, names)
    return Question("positions", f"{first} {asked} {second}", f"{first} {shown} {second}", right)


def _absence(names: Sequence[str], right: bool, dice: random.Random) -> Question:
    """The truth of an absence: the picture shows the first thing alone, or with what should not be there."""
    wanted, unwanted = _a(names[0]), names[1]
    without = dice.choice((f"without {_a(unwanted)}", f"with no {unwanted}", f", no {plural(unwanted)}"))
    asked = f"{wanted} {without}".replace(" ,", ",")
    return Question("absences", asked, wanted if right else f"{wanted} and {_a(unwanted)}", right)


def _a(name: str) -> str:
    return f"{article(name)} {name}"


def main() -> None:
    """Print both errors of each kind."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=HALVES, default="test")
    options.add_argument("--count", type=int, default=100, help="questions of each kind")
    options.add_argument("--misses", action="store_true", help="a line for each wrong answer")
    chosen = options.parse_args()
    library = Library()
    composer = Composer(library)
    graph = build_graph(generator=composer)
    asked: Counter[tuple[Kind, bool]] = Counter()
    wrong: Counter[tuple[Kind, bool]] = Counter()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=home, profile="pictograms", max_generations=1, mode="no_lookup")
        for number, question in enumerate(questions(library, chosen.half, chosen.count)):
            composer.shown = question.shown
            config: Any = {"configurable": {"thread_id": str(number)}}
            run = graph.invoke({"prompt": question.asked, "seed": number}, config, context=settings)
            satisfied = run["verdict"] is not None and run["verdict"]["satisfied"]
            asked[question.kind, question.right] += 1
            wrong[question.kind, question.right] += satisfied != question.right
            if chosen.misses and satisfied != question.right:
                print(f"{question.kind:12} asked {question.asked!r}, shown {question.shown!r}: {satisfied}", flush=True)
    for kind in KINDS:
        every = asked[kind, True] + asked[kind, False]
        accuracy = 1 - (wrong[kind, True] + wrong[kind, False]) / every
        print(
            f"{kind:12} right on {accuracy:.1%} of {every} (wanted >= 92%); satisfied by a wrong picture "
            f"{wrong[kind, False] / max(asked[kind, False], 1):.1%}, not by a right one "
            f"{wrong[kind, True] / max(asked[kind, True], 1):.1%}"
        )


if __name__ == "__main__":
    main()
