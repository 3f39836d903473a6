"""Choose the judge's thresholds on the dev half of the composites and write evaluation/evaluator.json.

    python -m training.calibrate_evaluator [--coloured]

The threshold is where the fewest answers are wrong; that for things that a colour is named for as well, among those by
which no more than `MOST_FALSE` of what isn't there is said to be. The figures printed are the dev half's.
`python -m benchmarks.evaluator` measures on the other half, which nothing is chosen on. `--coloured` chooses the second
one alone.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parents[1]))  # benchmarks/ is no part of the installed package

from benchmarks.composites import COLOURED_COUNT, composites
from imagerag.evaluation.evaluator import CALIBRATION, WEIGHTS, Evaluator

MOST_FALSE = 0.085
"""What the judge says to be there of things in their own colours that aren't (`python -m benchmarks.evaluator`)."""


def main() -> None:
    evaluator = Evaluator()
    threshold = evaluator.threshold
    if "--coloured" not in sys.argv[1:]:
        where = {name: i for i, name in enumerate(evaluator.concepts)}
        judged = [
            (float(evaluator.evidence(scene.image)[where[scene.concept]]), scene.present) for scene in composites("dev")
        ]
        threshold = _best(judged)
    judged = [
        (evaluator.coloured_evidence(scene.image, scene.concept, scene.colour), scene.present)
        for scene in composites("dev", COLOURED_COUNT, coloured=True)
    ]
    coloured = _best(judged, MOST_FALSE)
    CALIBRATION.write_text(
        json.dumps(
            {
                "threshold": round(threshold, 3),
                "coloured_threshold": round(coloured, 3),
                "weights": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:8],
            }
        )
        + "\n",
        encoding="utf-8",
    )


def _best(judged: list[tuple[float, bool]], most_false: float = 1.0) -> float:
    """Return the threshold with the fewest wrong answers among those with no more false positives than allowed."""
    x: NDArray[np.float64] = np.array([evidence for evidence, _ in judged])
    y: NDArray[np.bool_] = np.array([present for _, present in judged])
    candidates = np.append(np.sort(x), np.inf)
    candidates = candidates[[bool((x[~y] >= threshold).mean() <= most_false) for threshold in candidates]]
    accuracy = np.array([((x >= threshold) == y).mean() for threshold in candidates])
    best = candidates[accuracy >= accuracy.max() - 1e-9]
    threshold = float(best[len(best) // 2])  # the middle of the plateau, so that chance decides least
    print(
        f"threshold {threshold:.2f}: accuracy {accuracy.max():.3f} on {len(x)} composites, false positives "
        f"{(x[~y] >= threshold).mean():.3f}, false negatives {(x[y] < threshold).mean():.3f}",
        file=sys.stderr,
    )
    return threshold


if __name__ == "__main__":
    main()
