"""Choose the judge's threshold on the dev half of the composites and write evaluation/evaluator.json.

    python -m training.calibrate_evaluator

The threshold is where the fewest answers are wrong; the figures printed are the dev half's.
`python -m benchmarks.evaluator` measures on the other half, which nothing is chosen on.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # benchmarks/ is no part of the installed package

from benchmarks.composites import composites
from imagerag.evaluation.evaluator import CALIBRATION, WEIGHTS, Evaluator


def main() -> None:
    evaluator = Evaluator()
    where = {name: i for i, name in enumerate(evaluator.concepts)}
    evidence, truth = [], []
    for scene in composites("dev"):
        evidence.append(float(evaluator.evidence(scene.image)[where[scene.concept]]))
        truth.append(scene.present)
    x, y = np.array(evidence), np.array(truth)
    candidates = np.sort(x)
    accuracy = np.array([((x >= threshold) == y).mean() for threshold in candidates])
    best = candidates[accuracy >= accuracy.max() - 1e-9]
    threshold = float(best[len(best) // 2])  # the middle of the plateau, so that chance decides least
    CALIBRATION.write_text(
        json.dumps(
            {
                "threshold": round(threshold, 3),
                "weights": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:8],
            }
        )
        + "\n",
        encoding="utf-8",
    )
    print(
        f"threshold {threshold:.2f}: accuracy {accuracy.max():.3f} on {len(x)} composites, false positives "
        f"{(x[~y] >= threshold).mean():.3f}, false negatives {(x[y] < threshold).mean():.3f}",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
