"""What the numbers of a metric mean: which way is better, between which bounds they lie, how they are shown."""

from __future__ import annotations

from functools import cache
from typing import Literal

from imagerag.assets.library import bundled_library
from imagerag.evaluation.metrics.registry import METRICS
from imagerag.evaluation.records import Concept

PRESENCE = "presence"
CONCEPT_METRICS = (PRESENCE, "soft-tifa", "soft-tifa-gm")
"""Those whose parts tell which concepts are seen: the evaluators, the first one that was measured before the others."""
WRONG_REFERENCES = "wrong_references"
BOUNDS = {
    **dict.fromkeys((*CONCEPT_METRICS, WRONG_REFERENCES, "vqascore"), (0.0, 1.0)),
    **dict.fromkeys(("clip", "siglip", "dino", "clip-image", "copying-background"), (-1.0, 1.0)),
    "dreamsim": (0.0, 2.0),
}


def kind_of(metric: str) -> str:
    """Return which metric it is, without the model that is part of the name of its measurements."""
    known = (name for name in (*CONCEPT_METRICS, WRONG_REFERENCES, *METRICS) if f"{metric}-".startswith(f"{name}-"))
    return max(known, key=len, default=metric)


def sees_concepts(metric: str) -> bool:
    """Tell whether it is an evaluator: its value is whether concepts are there, and its parts say which."""
    return kind_of(metric) in CONCEPT_METRICS


def can_judge(metric: str, concept: Concept) -> bool:
    """Tell whether a metric has anything to say of a concept, whatever is drawn: the evaluator knows its own names."""
    if kind_of(metric) != PRESENCE or concept.kind != "thing":
        return True
    return (concept.thing or concept.text) in _evaluator_names()


@cache
def _evaluator_names() -> frozenset[str]:
    return frozenset(concept.name for concept in bundled_library().concepts)


def is_share(metric: str) -> bool:
    """Tell whether it is shown in percent, and its differences in percentage points."""
    return sees_concepts(metric) or metric == WRONG_REFERENCES


def better_of(metric: str) -> Literal["higher", "lower", "neither"]:
    """Return which way is better; "neither" where it isn't known."""
    kind = kind_of(metric)
    if kind in METRICS:
        return METRICS[kind].better
    if kind in CONCEPT_METRICS:
        return "higher"
    return "lower" if kind == WRONG_REFERENCES else "neither"


def bounds_of(metric: str) -> tuple[float, float] | None:
    """Return the least and the greatest value that there can be; ``None`` where they are not known."""
    return BOUNDS.get(kind_of(metric))


def rank_of(metric: str) -> tuple[int, str]:
    """Return the place in a report: evaluators in their order, then where higher is better, then the others."""
    kind = kind_of(metric)
    if kind in CONCEPT_METRICS:
        return CONCEPT_METRICS.index(kind), metric
    return len(CONCEPT_METRICS) + ("higher", "neither", "lower").index(better_of(metric)), metric
