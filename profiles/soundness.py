"""Which parts go together: a critic and references made for pictograms say nothing of photographs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from imagerag.generators.base import ImageKind

if TYPE_CHECKING:
    from imagerag.embedders.calibration import Shows

EMBEDDED_CRITICS = ("clip", "clip:embedded")
"""Names of the critic that was fitted on pictograms."""
EMBEDDED_MODEL = "embedded"
"""The CLIP model that was trained on pictograms; of 14 photographs it recognised one."""
BUNDLED = "bundled"
"""The library of pictograms."""


class Unsound(NamedTuple):
    """A part that doesn't go with the generator.

    Attributes:
        part: the setting's name.
        value: its value.
        why: what would happen, for a sentence that begins with the part.
    """

    part: str
    value: str
    why: str


def kind_drawn(makes: ImageKind) -> Shows:
    """Return what the captioned pictures have to show that calibrate a critic of such images."""
    return "pictograms" if makes == "pictograms" else "photographs"


def unsound_parts(
    makes: ImageKind, critic: str, library: Sequence[str], lookup_models: Sequence[str], rerank: str
) -> list[Unsound]:
    """Return the parts that don't go with a generator that makes such images; none with one that makes pictograms.

    Args:
        makes: the kind of the generator's images.
        critic: its name; empty if it is a program's own.
        library: what is searched; nothing if the index is a program's own.
        lookup_models: the CLIP models that search a person's own pictures.
        rerank: what reorders references.
    """
    if makes == "pictograms":
        return []
    found = []
    if critic in EMBEDDED_CRITICS:
        found.append(Unsound("critic", critic, "judges pictograms and does not recognise what photographs show"))
    if BUNDLED in library:
        found.append(Unsound("library", ",".join(library), "would put pictograms into a photograph as references"))
    own = [name for name in library if name != BUNDLED]
    # Where a chat model judges, the first look-up model's critic decides when it gives no verdict.
    stands_in = bool(critic) and not critic.startswith("clip") and tuple(lookup_models[:1]) == (EMBEDDED_MODEL,)
    if EMBEDDED_MODEL in lookup_models and (own or rerank == "subject" or stands_in):
        why = "finds pictograms by their names and knows no photographs"
        found.append(Unsound("lookup_model", ",".join(lookup_models), why))
    return found
