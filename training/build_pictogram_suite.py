"""Make the suite of pictograms, evaluation/suites/pictograms.jsonl: by rule and hash, never by hand.

    python -m training.build_pictogram_suite

Concepts that the generator's base set lacks come from ``assets/lacking_concepts.tsv``, things that neither the base set
nor the library knows from ``benchmarks/lacking_names.tsv``, known ones are those that the base set has in three sets.
Each half has its own, as those files and the hash of a name say. A prompt is taken only where the grammar reads it as
it is meant, so that every arm is asked for the same thing; a grammar that reads more takes others. The committed file
is not made anew for that: figures on it could no longer be compared, and its halves were committed before any run.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from benchmarks.cases import by_hash, known_concepts
from benchmarks.lacking import lacking_names
from imagerag.assets.library import Library
from imagerag.evaluation.records import Concept, SuitePrompt
from imagerag.generators.patchwork.knowledge import STYLE_SETS
from imagerag.prompt_grammar.inflection import plural, singular
from imagerag.prompt_grammar.noun_phrase import article
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import Scene

OUT = Path(__file__).parents[1] / "evaluation" / "suites" / "pictograms.jsonl"

Half = Literal["development", "test"]
HALVES: dict[Half, Literal["dev", "test"]] = {"development": "dev", "test": "test"}

LACKING = {"alone": 80, "pair": 60, "two": 40, "style": 30, "colour": 30, "count": 30, "place": 30, "absence": 30}
KNOWN = {"alone": 80, "pair": 40, "style": 20, "colour": 20, "count": 20, "place": 20, "absence": 20}
"""Prompts of each form and half."""
MORE_KNOWN = {"alone": 125, "pair": 65, "style": 10, "colour": 10, "count": 10, "place": 10, "absence": 10}
"""Further ones behind those: to tell that nothing gets worse by one point takes some 400 prompts, for of no loss among
n the exact bound is 1 - 0.025^(1/n)."""
NOWHERE = 80
BESIDE = 200
"""Known concepts that stand beside others; the rest are asked for by themselves."""

COLOURS = ("red", "blue", "green", "yellow", "purple", "orange", "pink")
COUNTS = {2: "two", 3: "three", 4: "four"}
PLACES = {
    "to the left of": "left of",
    "to the right of": "right of",
    "above": "above",
    "under": "below",
    "in front of": "in front of",
    "behind": "behind",
}
"""As a prompt says it, and as the grammar calls the relation."""
ABSENCES = ("without {a}", "with no {one}", "and no {many}")
STYLES = ("3d", "flat", "noto", "twemoji")


@dataclass
class Source:
    """Where the prompts of one half and stratum take their concepts from.

    Attributes:
        things: what is asked for.
        beside: known concepts that may stand beside them, or must be absent; each serves once.
        stratum: of the suite.
    """

    library: Library
    things: list[str]
    beside: Iterator[str]
    stratum: str

    def __post_init__(self) -> None:
        """Remember the names that the grammar keeps whole."""
        self.names = frozenset(entry.concept for entry in self.library.entries)

    def prompts(self, form: str, count: int) -> list[SuitePrompt]:
        """Return so many prompts of a form, over the things in an order that their hash chooses."""
        make = FORMS[form]
        made: list[SuitePrompt] = []
        for rank, thing in enumerate(by_hash(f"{self.stratum} {form}", self.things)):
            if len(made) < count and (prompt := make(self, thing, rank)) is not None:
                made.append(prompt)
        if len(made) < count:
            raise ValueError(f"{self.stratum} {form}: {len(made)} prompts, not {count}")
        return made

    def prompt(self, form: str, text: str, things: Sequence[str], others: Iterable[Concept] = ()) -> SuitePrompt | None:
        """Return the prompt, or ``None`` where the grammar reads other things or other concepts in it."""
        scene = parse_scene(text, self.names)
        if [thing.phrase for thing in scene.objects] != list(things) or scene.dropped or scene.notes:
            return None
        others = tuple(others)
        if sorted(_asked(scene)) != sorted((one.kind, one.value or one.thing) for one in others):
            return None
        slug = re.sub(r"[^a-z0-9]+", "-", " ".join(things)).strip("-")
        concepts = (*(Concept(thing, thing=thing) for thing in things), *others)
        return SuitePrompt(f"{self.stratum}-{form}-{slug}", text, concepts, stratum=self.stratum, form=form)


def _asked(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield what a scene asks for besides its things: kind and value."""
    for thing in scene.objects:
        if thing.count > 1:
            yield "count", str(thing.count)
        if thing.colour:
            yield "colour", thing.colour
        if thing.size != "normal":
            yield "size", thing.size
    for relation in scene.relations:
        yield "relation", relation.kind
    for absent in scene.absent:
        yield "absence", absent
    for style in (*scene.styles, *scene.modifiers, *([scene.background] if scene.background else [])):
        yield "style", style


def _a(name: str) -> str:
    """Return a name with its article, if one goes with it."""
    return f"{article(name)} {name}" if singular(name) == name else name


def _alone(source: Source, thing: str, rank: int) -> SuitePrompt | None:
    return source.prompt("alone", _a(thing), [thing])


def _pair(source: Source, thing: str, rank: int) -> SuitePrompt | None:
    other = next(source.beside)
    first, second = (thing, other) if rank % 2 else (other, thing)
    return source.prompt("pair", f"{_a(first)} and {_a(second)}", [first, second])


def _two(source: Source, thing: str, rank: int) -> SuitePrompt | None:
    """Pair each thing with the next in the order of another hash."""
    order = by_hash("two", source.things)
    other = order[(order.index(thing) + 1) % len(order)]
    return source.prompt("two", f"{_a(thing)} and {_a(other)}", [thing, other])


def _style(source: Source, thing: str, rank: int) -> SuitePrompt | None:
    entries = [source.library.entries[row] for row in source.library.by_concept[thing]]
    style = STYLES[rank % len(STYLES)]
    drawn = {entry.set for entry in entries if entry.in_base or source.stratum != "known"}
    if not drawn & {of for of, share in STYLE_SETS[style].items() if share >= 1}:
        return None  # nobody could draw it so
    wanted = Concept(f"{style} style", "style", thing=thing, value=style)
    return source.prompt("style", f"{_a(thing)}, {style} style", [thing], [wanted])


def _colour(source: Source, thing: str, rank: int) -> SuitePrompt | None:
    colour = COLOURS[rank % len(COLOURS)]
    wanted = Concept(f"{colour} {thing}", "colour", thing=thing, value=colour)
    return source.prompt("colour", _a(f"{colour} {thing}"), [thing], [wanted])


def _count(source: Source, thing: str, rank: int) -> SuitePrompt | None:
    if singular(thing) != thing:
        return None  # "three pancakes" is no three times pancakes
    number = 2 + rank % len(COUNTS)
    text = f"{COUNTS[number]} {plural(thing)}"
    return source.prompt("count", text, [thing], [Concept(text, "count", thing=thing, value=str(number))])


def _place(source: Source, thing: str, rank: int) -> SuitePrompt | None:
    words, kind = list(PLACES.items())[rank % len(PLACES)]
    other = next(source.beside)
    first, second = (thing, other) if rank % 2 else (other, thing)
    wanted = Concept(f"{first} {words} {second}", "relation", thing=first, value=kind, other=second)
    return source.prompt("place", f"{_a(first)} {words} {_a(second)}", [first, second], [wanted])


def _absence(source: Source, thing: str, rank: int) -> SuitePrompt | None:
    other = next(source.beside)
    words = ABSENCES[rank % len(ABSENCES)].format(a=_a(other), one=other, many=plural(other))
    return source.prompt("absence", f"{_a(thing)} {words}", [thing], [Concept(f"no {other}", "absence", thing=other)])


FORMS: dict[str, Callable[[Source, str, int], SuitePrompt | None]] = {
    "alone": _alone,
    "pair": _pair,
    "two": _two,
    "style": _style,
    "colour": _colour,
    "count": _count,
    "place": _place,
    "absence": _absence,
}


def _cycle(names: Sequence[str]) -> Iterator[str]:
    while True:
        yield from names


def _can_be_asked_for(name: str) -> bool:
    """Leave out clocks, whose hands have two pixels, and names in the plural."""
    return not re.search("o'clock|-thirty", name) and singular(name) == name


def of_half(library: Library, half: Half) -> list[SuitePrompt]:
    """Return the prompts of one half, stratum by stratum; the first of each stratum are of all its forms."""
    at = list(HALVES).index(half)
    known = [name for name in known_concepts(library) if _can_be_asked_for(name)]
    beside = _cycle(known[:BESIDE][at::2])
    sources = [
        (Source(library, known[BESIDE:][at::2], beside, "known"), KNOWN),
        (Source(library, list(library.lacking(HALVES[half])), beside, "lacking"), LACKING),
    ]
    prompts = []
    for source, counts in sources:
        of_forms = {form: source.prompts(form, count) for form, count in counts.items()}
        order = [((rank + 0.5) / counts[form], form, one) for form in counts for rank, one in enumerate(of_forms[form])]
        prompts += [one for _, _, one in sorted(order, key=lambda placed: placed[:2])]
    more = Source(library, known[BESIDE:][at::2], _cycle(known[:BESIDE][at::2]), "known")
    for form, count in MORE_KNOWN.items():
        prompts += more.prompts(form, KNOWN[form] + count)[KNOWN[form] :]
    names = {one.name: one for one in lacking_names(half, library)}
    nowhere = by_hash("nowhere", names)[:NOWHERE]
    for name in nowhere:
        slug = re.sub(r"[^a-z0-9]+", "-", name)
        prompts.append(
            SuitePrompt(
                f"nowhere-alone-{slug}", _a(name), (Concept(name, thing=name),), stratum="nowhere", form="alone",
                accepted=names[name].accepted,
            )
        )  # fmt: skip
    return prompts


def as_line(prompt: SuitePrompt, half: Half) -> str:
    """Return one line of the file, without what is empty."""
    told = {key: value for key, value in asdict(prompt).items() if value and key != "concepts"}
    defaults = {one.name: one.default for one in fields(Concept)}
    concepts = [
        {key: value for key, value in asdict(concept).items() if value != defaults[key]} for concept in prompt.concepts
    ]
    return json.dumps({**told, "split": half, "concepts": concepts}, ensure_ascii=False)


def main() -> None:
    """Write the file and tell how many prompts there are of each kind."""
    library = Library()
    lines, names = [], set()
    for half in HALVES:
        prompts = of_half(library, half)
        names |= {prompt.name for prompt in prompts}
        lines += [as_line(prompt, half) for prompt in prompts]
        print(half, dict(Counter(prompt.stratum for prompt in prompts)))
    if len(names) != len(lines):
        raise ValueError(f"{len(lines) - len(names)} names are not unique")
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} prompts in {OUT.name}")


if __name__ == "__main__":
    main()
