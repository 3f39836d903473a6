"""What an evaluation reads and writes: suites of prompts, the images drawn for them, and the measurements of those.

One run is a folder::

    OUT/run.json          the suite, the arms with their settings, the seeds, the versions
    OUT/drawings.jsonl    one Drawing a line, appended as each ends
    OUT/measured/M.jsonl  one Measurement of the metric M a line
    OUT/lookups.jsonl     searches as they were answered, so that every arm sees the same answers
    OUT/images/           SHA-256.png
    OUT/references/       SHA-256.png of what search services have found, which may be gone tomorrow
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ConceptKind = Literal["thing", "count", "colour", "relation", "absence", "style", "text", "fact"]

Split = Literal["", "development", "test"]


@dataclass(frozen=True)
class Concept:
    """One thing that can be asked about an image of the prompt.

    Attributes:
        text: as it stands in the prompt, or as one would ask for it: "three owls", "dog behind tree".
        kind: what is asked.
        thing: the thing a count, colour, relation or absence is about; the text of a thing itself.
        value: the count in digits, the colour, the words of a text, or the kind of relation ("left of", "behind").
        other: the second thing of a relation.
        question: for a judge that answers questions, to be answered with yes or no; "" where it is made of the rest.
    """

    text: str
    kind: ConceptKind = "thing"
    thing: str = ""
    value: str = ""
    other: str = ""
    question: str = ""


@dataclass(frozen=True)
class SuitePrompt:
    """One prompt of a suite.

    Attributes:
        name: unique in its suite, safe as a file name.
        text: what is asked for.
        concepts: what has to be seen.
        stratum: the group it is reported in: "known", "lacking", "no-search", "facts" ...
        form: the group within that: "alone", "pair", "colour" ...
        split: the half it belongs to; "" where its suite has none.
        images: real images of what is asked for, kept apart from the retrieval set (absolute, or relative to the
            suite's data folder).
        accepted: what a reference may show without being wrong, besides the things of ``concepts``: a bird for a heron.
    """

    name: str
    text: str
    concepts: tuple[Concept, ...] = ()
    stratum: str = ""
    split: Split = ""
    images: tuple[str, ...] = ()
    form: str = ""
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """Prompts with what is known of them.

    Attributes:
        name: as ``--suite`` takes it.
        prompts: in the suite's own order.
        licence: SPDX identifier, or what its makers say; "" where they state none.
        source: where it comes from, for the report.
        retrieval: folder of the pictures that are looked up in; "" for those of ``library``.
        notes: what a reader of its figures has to know (what was left out, what its licence forbids).
        library: names of the libraries that are looked up in; empty for those of the profile.
    """

    name: str
    prompts: tuple[SuitePrompt, ...]
    licence: str = ""
    source: str = ""
    retrieval: str = ""
    notes: tuple[str, ...] = ()
    library: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arm:
    """One way of drawing a prompt.

    Attributes:
        name: unique in a run.
        settings: fields of ``Settings`` with their values, and the switches of the loop that only evaluations turn.
        about: one line for the report.
    """

    name: str
    settings: dict[str, object] = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True)
class UsedReference:
    """A reference that the returned image was drawn with."""

    concept: str
    caption: str
    title: str
    sha256: str
    similarity: float


@dataclass(frozen=True)
class Drawing:
    """What one arm returned for one prompt and seed.

    Attributes:
        image: SHA-256 of the pixels, in OUT/images; "" where the arm ended with ``error``.
        generations: images drawn, the returned one among them.
        steps: denoising steps in all of them.
        calls: requests to chat models.
        tokens: read and written by those.
        money: US dollars; None where prices are not known.
        seconds: wall time, loading left out.
        score: the critic's for the returned image, 0..1; None where it didn't judge.
        verdict: the critic's score per concept, 0..1.
        references: what the returned image was drawn with.
        error: one line; "" where an image came back.
    """

    arm: str
    prompt: str
    seed: int
    image: str
    generations: int
    steps: int
    calls: int
    tokens: int
    money: float | None
    seconds: float
    stop_reason: str
    score: float | None
    verdict: dict[str, float]
    references: tuple[UsedReference, ...]
    error: str = ""


@dataclass(frozen=True)
class Measurement:
    """What one metric says of one drawing.

    Attributes:
        value: None where it doesn't apply to that drawing (no reference to copy, no real image to compare with).
        parts: of the concepts, by their text: 1.0 seen, 0.0 not, between where the judge is a probability.
    """

    arm: str
    prompt: str
    seed: int
    value: float | None
    parts: dict[str, float] = field(default_factory=dict)
