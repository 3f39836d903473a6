"""Ways of reading follow-ups side by side: rules, fitted weights, and weights where rules refuse or where they differ.

    python -m benchmarks.follow_up_readers [--kept FILE]

Each follow-up is taken by itself, said of a picture that is as it should be. The weights that read a collection are
fitted on those of the other parts, of ``PARTS``. The rules were written with "development" and "varied" to "varied11"
in sight, so that their figures of these, and those of what builds on them, are no estimate for others; of "varied12" on
they are. About half an hour.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imagerag.agent.protocols import Brief
from imagerag.errors import UserError
from testing.follow_up_examples import follow_ups_by_rule
from testing.follow_up_fit import Weighed, fit, scores_of, weighed_collections

Ending = Literal["right", "wrong", "refused"]
Shares = Mapping[str, float]
"""Probability of each prompt; the empty one is that of no change."""
Way = Callable[[Weighed, Brief | None, Shares], Ending]
PARTS = 4
"""Parts into which the collections are put."""
SURE = (0.0, 0.3, 0.5, 0.7, 0.9)
"""Probabilities from which on a reading is drawn."""
DOUBTS = ((0.01, 0.9), (0.05, 0.7), (0.05, 0.5))
"""Probabilities: below the first of the rules' reading, and above the second of another, the rules are not trusted."""


def shares_of(weights: NDArray[np.float32], one: Weighed) -> dict[str, float]:
    """Return the probability of each picture that a request can mean."""
    scores = scores_of(one, weights)
    likely = np.exp(scores - scores.max())
    found: dict[str, float] = defaultdict(float)
    for prompt, share in zip(one.prompts, likely / likely.sum(), strict=True):
        if prompt is not None:
            found[prompt] += float(share)
    return dict(found)


def ending(one: Weighed, prompt: str) -> Ending:
    """Tell how a turn ends of which that picture is drawn; none where the prompt is empty."""
    if prompt:
        return "right" if one.example.is_change and one.example.is_right(prompt) else "wrong"
    return "refused" if one.example.is_change and not one.example.turn.may_ask else "right"


def by_rule(one: Weighed, brief: Brief | None, shares: Shares) -> Ending:
    """The rules alone."""
    drawn = brief is not None and not brief.answer
    if drawn and one.example.turn.kind == "new":
        return "right" if brief is not None and brief.base is None else "wrong"
    return ending(one, brief.prompt if drawn and brief is not None else "")


def by_weights(sure: float) -> Way:
    """The weights alone."""

    def way(one: Weighed, brief: Brief | None, shares: Shares) -> Ending:
        best = max(shares, key=lambda prompt: shares[prompt])
        return ending(one, best if shares[best] >= sure else "")

    return way


def by_both(sure: float, doubt: tuple[float, float] | None = None, *, asks: bool = True) -> Way:
    """The rules, and the weights where these refuse.

    Args:
        sure: probability from which on the weights' reading is drawn.
        doubt: see ``DOUBTS``.
        asks: whether what the rules are not trusted with is refused, and not read by the weights.
    """

    def way(one: Weighed, brief: Brief | None, shares: Shares) -> Ending:
        if brief is not None and brief.declined:
            return by_weights(sure)(one, brief, shares)
        best = max(shares, key=lambda prompt: shares[prompt])
        if doubt is not None and brief is not None and brief.base is not None and not brief.answer:
            differs = best != brief.prompt and shares.get(brief.prompt, 0.0) < doubt[0] and shares[best] > doubt[1]
            if differs:
                return ending(one, "" if asks else best)
        return by_rule(one, brief, shares)

    return way


def ways() -> dict[str, Way]:
    """Return what is compared, by what is printed of it."""
    found: dict[str, Way] = {"rules alone": by_rule}
    found |= {f"weights alone, from {sure:.1f} on": by_weights(sure) for sure in SURE}
    found |= {f"rules, weights where they refuse, from {sure:.1f} on": by_both(sure) for sure in SURE}
    for doubt in DOUBTS:
        said = f"below {doubt[0]} where another is above {doubt[1]}"
        found[f"  and rules refused {said}"] = by_both(0.5, doubt)
        found[f"  and rules replaced {said}"] = by_both(0.5, doubt, asks=False)
    return found


def main() -> None:
    """Leave out each part of the collections in turn, and print the sums."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kept", type=Path, help="keep the weighed examples there, and weigh none twice")
    collections = weighed_collections(options.parse_args().kept)
    reader = follow_ups_by_rule()
    told = {name: Counter[Ending]() for name in ways()}
    fitted: dict[int, NDArray[np.float32]] = {}
    for place, (left_out, weighed) in enumerate(collections.items()):
        if (part := place % PARTS) not in fitted:
            others = [some for at, some in enumerate(collections.values()) if at % PARTS != part]
            fitted[part] = fit([one for some in others for one in some])
        weights = fitted[part]
        alone = Counter[Ending]()
        for one in weighed:
            try:
                brief = reader.brief(one.example.request, one.example.history)
            except UserError:
                brief = None
            shares = shares_of(weights, one)
            alone[by_weights(0.5)(one, brief, shares)] += 1
            for name, way in ways().items():
                told[name][way(one, brief, shares)] += 1
        print(f"{left_out:12} weights alone, from 0.5 on: {_said(alone)}", flush=True)
    for name, counts in told.items():
        print(f"{name:72} {_said(counts)}")


def _said(counts: Counter[Ending]) -> str:
    total, understood = counts.total(), counts["right"] + counts["wrong"]
    return (
        f"{counts['right'] / total:6.1%} right, {counts['wrong'] / total:5.1%} wrong, {counts['refused'] / total:5.1%} "
        f"refused; of the understood {counts['right'] / max(understood, 1):.1%} right, of {total}"
    )


if __name__ == "__main__":
    main()
