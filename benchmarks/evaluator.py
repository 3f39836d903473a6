"""The errors of the network that judges evaluations on pictograms, on scenes whose truth is known.

python -m benchmarks.evaluator
"""

from benchmarks.composites import COLOURED_COUNT, Report, measure
from imagerag.evaluation.evaluator import Evaluator


def main() -> None:
    """Print them for the half of the composites that its thresholds were not calibrated on."""
    evaluator = Evaluator()
    report = measure(evaluator, half="test")
    print(f"evaluator on {report.count} composites of known truth: {_errors(report)} (wanted: accuracy >= 0.96)")
    coloured = measure(evaluator, half="test", count=COLOURED_COUNT, coloured=True)
    print(f"on {coloured.count} of them with the thing painted in a named colour, told which: {_errors(coloured)}")
    untold = measure(evaluator, half="test", count=COLOURED_COUNT, coloured=True, told=False)
    print(f"the same, not told: {_errors(untold)}")


def _errors(report: Report) -> str:
    return (
        f"accuracy {report.accuracy:.3f}, false positives {report.false_positive:.3f}, "
        f"false negatives {report.false_negative:.3f}"
    )


if __name__ == "__main__":
    main()
