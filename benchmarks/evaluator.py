"""The errors of the network that judges evaluations on pictograms, on scenes whose truth is known.

python -m benchmarks.evaluator
"""

from benchmarks.composites import measure
from imagerag.evaluation.evaluator import Evaluator


def main() -> None:
    """Print them for the half of the composites that its threshold was not calibrated on."""
    evaluator = Evaluator()
    report = measure(evaluator, half="test")
    print(
        f"evaluator on {report.count} composites of known truth: accuracy {report.accuracy:.3f} (wanted >= 0.96), "
        f"false positives {report.false_positive:.3f}, false negatives {report.false_negative:.3f}"
    )


if __name__ == "__main__":
    main()
