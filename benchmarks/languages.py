"""Names of the library's pictograms in fourteen languages, and emoji: is the right concept found first?

    python -m benchmarks.languages [--half development] [--limit N] [--misses]
    python -m benchmarks.languages --sample PATH/TO/cldr-annotations-full

The names are the short names (type ``tts``) of Unicode's CLDR, sampled once by a fixed seed: ``language_names.tsv``.
What reads them is tuned on the half ``development`` alone.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from imagerag.assets.library import Library
from imagerag.graphs.libraries import open_index

FILE = Path(__file__).with_name("language_names.tsv")
LANGUAGES = ("de", "fr", "es", "pt", "it", "nl", "pl", "ru", "tr", "ar", "hi", "zh", "ja", "ko")
EMOJI = "emoji"
HALVES = ("development", "test")
OF_A_HALF, SEED = 1000, 17
AT_ONCE = 50
HEADER = """\
# Short names of pictograms from cldr-annotations-full {version} (npm; Unicode License v3, Copyright (c) 1991-2025
# Unicode, Inc.), and the emoji themselves; {count} for each half, in equal parts, by a fixed seed:
# python -m benchmarks.languages --sample.
# Each with all concepts of the library that have that name in that language.
half\tlanguage\tname\tconcepts
"""


class Name(NamedTuple):
    """A name and the concepts of the library that have it."""

    half: str
    language: str
    name: str
    concepts: tuple[str, ...]


def language_names(half: str) -> list[Name]:
    """Return the names of one half, in an order that mixes the languages."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")][1:]
    names = [Name(of, language, name, tuple(concepts.split("|"))) for of, language, name, concepts in rows]
    return [name for name in names if name.half == half]


def sample(package: Path) -> list[Name]:
    """Draw both halves from CLDR's annotations.

    Args:
        package: the unpacked npm package.
    """
    emoji = {
        "".join(chr(int(code, 16)) for code in entry.source.rsplit(" u", 1)[1].split("-")): entry.concept
        for entry in Library().entries
    }
    concepts = {text.replace("\ufe0f", ""): concept for text, concept in emoji.items()}
    generator = random.Random(SEED)
    names: list[Name] = []
    for place, language in enumerate((*LANGUAGES, EMOJI)):
        said = {text: {concept} for text, concept in emoji.items()}
        if language != EMOJI:
            said = _said(package / "annotations" / language / "annotations.json", concepts)
        chosen = generator.sample(sorted(said), 2 * _share(place))
        for at, name in enumerate(chosen):
            names.append(Name(HALVES[at % 2], language, name, tuple(sorted(said[name]))))
    generator.shuffle(names)
    return names


def _share(place: int) -> int:
    """Return how many names of a half the language at this place gets."""
    parts = len(LANGUAGES) + 1
    return OF_A_HALF * (place + 1) // parts - OF_A_HALF * place // parts


def _said(file: Path, concepts: dict[str, str]) -> dict[str, set[str]]:
    annotations = json.loads(file.read_text(encoding="utf-8"))["annotations"]["annotations"]
    said: dict[str, set[str]] = {}
    for text, entry in annotations.items():
        concept = concepts.get(text.replace("\ufe0f", ""))
        if concept is not None and "tts" in entry:
            said.setdefault(entry["tts"][0], set()).add(concept)
    return said


def write_sample(package: Path) -> None:
    """Write ``language_names.tsv`` anew."""
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    rows = ["\t".join((*name[:3], "|".join(name.concepts))) for name in sample(package)]
    text = HEADER.format(version=version, count=OF_A_HALF) + "\n".join(rows) + "\n"
    FILE.write_text(text, encoding="utf-8", newline="\n")


def found_first(names: Iterable[Name], home: Path) -> Iterable[tuple[Name, str | None]]:
    """Yield each name with the concept that the bundled library finds first for it, if any."""
    library, index = Library(), open_index(home, libraries=("bundled",))
    left = iter(names)
    while batch := list(islice(left, AT_ONCE)):
        for name, hits in zip(batch, index.search([name.name for name in batch], 1), strict=True):
            place = library.find(hits[0].sha256) if hits else None
            yield name, None if place is None else library.entries[place].concept


def main() -> None:
    """Print the shares, of all names and of each language."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=HALVES, default="test")
    options.add_argument("--limit", type=int, default=OF_A_HALF)
    options.add_argument("--misses", action="store_true", help="a line for each name that finds something else first")
    options.add_argument("--sample", type=Path, metavar="PACKAGE", help="write language_names.tsv anew, and stop")
    chosen = options.parse_args()
    if chosen.sample is not None:
        write_sample(chosen.sample)
        return
    asked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    nothing = 0
    with tempfile.TemporaryDirectory() as home:
        for name, concept in found_first(language_names(chosen.half)[: chosen.limit], Path(home)):
            asked[name.language] += 1
            right[name.language] += concept in name.concepts
            nothing += concept is None
            if chosen.misses and concept not in name.concepts:
                print(f"{name.language:6} {name.name:40} is {'|'.join(name.concepts)}, found {concept}", flush=True)
    count = sum(asked.values())
    print(
        f"right concept first: {sum(right.values()) / count:.1%} of {count} names ({chosen.half}; wanted >= 90%), "
        f"nothing found for {nothing / count:.1%}"
    )
    print("  " + ", ".join(f"{language} {right[language] / asked[language]:.0%}" for language in asked))


if __name__ == "__main__":
    main()
