"""The pictures that a drawing was made of, with whom to thank for them: its references, and those that the embedded
generator has pasted parts of besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from imagerag.assets.library import bundled_library
from imagerag.attribution import attribution
from imagerag.provenance.asks import Ask, asks_of
from imagerag.store.manifest import Manifest


@dataclass(frozen=True)
class Source:
    """One picture that a drawing was made of.

    Attributes:
        sha256: of the picture, as the manifest names it.
        kind: of the reference, or ``base`` for a pictogram of the embedded generator's own set.
        concept: what it stands for in the drawing.
        title, licence, link: as its index or source says; empty where nobody has said.
        attribution: one line, ready to be shown.
    """

    sha256: str
    kind: str
    concept: str
    title: str
    licence: str
    link: str
    attribution: str
    is_shown: bool = True
    """Whether the generator was given its pixels, and not words for it."""

    @property
    def asks(self) -> tuple[Ask, ...]:
        """What its licence asks."""
        return asks_of(self.licence, self.kind)


def sources_of(manifest: Manifest) -> list[Source]:
    """Return what a drawing was made of, each picture once, references first."""
    found = [*_references(manifest), *_base_set(manifest.facts)]
    return list({source.sha256: source for source in reversed(found)}.values())[::-1]


def _references(manifest: Manifest) -> Iterator[Source]:
    for one in manifest.references:
        line = one.attribution or attribution(one.model_dump())
        title = "" if one.kind == "subject" else one.title
        yield Source(one.sha256, one.kind, one.concept, title, one.licence, one.link, line, not one.worded)


def _base_set(facts: Mapping[str, Any]) -> Iterator[Source]:
    """Yield the pictograms that Patchwork has drawn with of its own; anybody may have written these facts."""
    objects = facts.get("objects")
    for thing in objects if isinstance(objects, list) else ():
        examples = thing.get("examples") if isinstance(thing, dict) else None
        for example in examples if isinstance(examples, list) else ():
            if not isinstance(example, dict) or example.get("reference") is not False:
                continue
            sha256, concept = str(example.get("sha256", "")), str(example.get("concept", ""))
            source, licence = _library().get(sha256, (f"pictogram set {example.get('set', '')}", "unknown"))
            line = attribution({"title": concept, "source": source, "licence": licence})
            yield Source(sha256, "base", str(thing.get("phrase", "")), concept, licence, "", line)


@lru_cache(maxsize=1)
def _library() -> dict[str, tuple[str, str]]:
    """Return source and licence of the bundled library's pictures."""
    return {entry.sha256: (entry.source, entry.licence) for entry in bundled_library().entries}
