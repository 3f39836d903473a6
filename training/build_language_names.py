"""Write assets/language_names.parquet: what 14 languages call the library's concepts, and their emoji.

    python -m training.build_language_names --modules path/to/node_modules

From the short names and keywords of Unicode CLDR, as in the npm packages cldr-annotations-full and
cldr-annotations-derived-full.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from imagerag.assets import asset
from imagerag.assets.library import Library
from imagerag.prompt_grammar.languages import EMOJI, LANGUAGES, language
from imagerag.spelling import spelled

PACKAGES = ("cldr-annotations-full/annotations", "cldr-annotations-derived-full/annotationsDerived")
LEAST_SHARED = 2
"""Concepts that share a keyword at least: what one concept alone has may say anything about it."""
MOST_SHARED = 60
"""Concepts that share a keyword at most: what more have is a mood, or a kind of sign."""
ALIKE = 0.5
"""Jaccard index of the concepts of two keywords from which on one translates the other."""
Annotations = Mapping[str, Mapping[str, Sequence[str]]]


def concept_of_emoji(library: Library) -> dict[str, str]:
    """Return the concepts by their emoji, without variation selectors, as ``spelled`` writes them."""
    found: dict[str, str] = {}
    for entry in library.entries:
        codes = entry.source.rsplit(" u", 1)[1].split("-")
        found.setdefault(spelled("".join(chr(int(code, 16)) for code in codes)), entry.concept)
    return found


def keywords(annotations: Annotations, concepts: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return the concepts of each keyword, short names of one word among them."""
    owners: dict[str, set[str]] = {}
    for sign, said in annotations.items():
        if concept := concepts.get(spelled(sign)):
            for word in (*said.get("default", ()), *said.get("tts", ())):
                owners.setdefault(spelled(word), set()).add(concept)
    return {word: frozenset(of) for word, of in owners.items()}


def names_of(
    annotations: Annotations, english: Mapping[str, frozenset[str]], concepts: Mapping[str, str]
) -> dict[str, str]:
    """Return what each name is in English: short names by their concept, and keywords by the English keyword that the
    same concepts have.

    Args:
        annotations: ``default`` and ``tts`` by emoji, as CLDR has them.
        english: ``keywords`` of the English ones.
        concepts: of ``concept_of_emoji``.
    """
    names: dict[str, str] = {}
    for sign, said in annotations.items():
        if concept := concepts.get(spelled(sign)):
            for name in said.get("tts", ()):
                names.setdefault(spelled(name), concept)
    by_concept: dict[str, list[str]] = {}
    for word, of in english.items():
        for concept in of:
            by_concept.setdefault(concept, []).append(word)
    for word, of in keywords(annotations, concepts).items():
        if word in names or not MOST_SHARED >= len(of) >= LEAST_SHARED or (len(word) < 2 and word.isascii()):
            continue
        rivals = dict.fromkeys(rival for concept in sorted(of) for rival in by_concept.get(concept, ()))
        likeness = {rival: len(of & english[rival]) / len(of | english[rival]) for rival in rivals}
        best = sorted(likeness, key=lambda rival: (-likeness[rival], len(rival), rival))[:2]
        if best and likeness[best[0]] >= ALIKE and (len(best) == 1 or likeness[best[1]] < likeness[best[0]]):
            names[word] = best[0]
    return names


def rows(modules: Path, library: Library) -> Iterator[tuple[str, str, str, str]]:
    """Yield language, name, stem and what it is in English."""
    concepts = concept_of_emoji(library)
    for emoji, concept in concepts.items():
        yield EMOJI, emoji, emoji, concept
    english = keywords(_annotations(modules, "en"), concepts)
    for code in LANGUAGES:
        for name, meaning in names_of(_annotations(modules, code), english, concepts).items():
            yield code, name, language(code).stem(name), meaning


def _annotations(modules: Path, code: str) -> Annotations:
    annotations: dict[str, Mapping[str, Sequence[str]]] = {}
    for package in PACKAGES:
        (content,) = json.loads((modules / package / code / "annotations.json").read_text(encoding="utf-8")).values()
        annotations |= content["annotations"]
    return annotations


def main() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", type=Path, required=True, help="the node_modules folder with the npm packages")
    args = parser.parse_args()
    languages, names, stems, meanings = zip(*rows(args.modules, Library()), strict=True)
    table = pa.table({"language": languages, "name": names, "stem": stems, "english": meanings})
    target = asset("library.parquet").with_name("language_names.parquet")
    pq.write_table(table, target, compression="zstd", compression_level=19)
    print(f"{len(names)} names for {len(set(meanings))} English ones: {target.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
