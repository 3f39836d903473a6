"""``imagerag eval``: the prompts of a suite drawn in several ways, and which of them helps."""

import argparse
import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal, TextIO

from imagerag.cli.interrupt import Ended, cancel_on_interrupt
from imagerag.cli.setting_flags import settings_of
from imagerag.cli.terminal import say, say_json
from imagerag.errors import UserError
from imagerag.model_hub import downloads_watched
from imagerag.settings import load_settings

ALL_DRAWN, SOME_FAILED = 0, 1


def run_evaluation(options: argparse.Namespace, stdout: TextIO) -> int:
    """Draw and measure what is not there yet, print the figures, and return the exit status.

    Raises:
        UserError: the suite, an arm or a setting is of no use, or the folder holds another run.
    """
    from imagerag.cli.progress import ProgressBars
    from imagerag.evaluation.arms import ARMS, read_arms
    from imagerag.evaluation.loaders.registry import data_root
    from imagerag.evaluation.metric_names import check_applies, check_metrics
    from imagerag.evaluation.plan import Plan, chosen_prompts, ordered
    from imagerag.evaluation.report import REPORT, write_report
    from imagerag.evaluation.retrieval_set import with_retrieval_set
    from imagerag.evaluation.runner import Progress, common_settings, evaluate, usable_in_full
    from imagerag.evaluation.suite_names import BUNDLED, has_halves, open_suite, retrieval_pictures
    from imagerag.evaluation.tables import report_lines

    if not options.suite:
        raise UserError("no suite is named; for example: imagerag eval --suite pictograms")
    for name, value in (("--limit", options.limit), ("--seeds", options.seeds)):
        if value is not None and value < 1:
            raise UserError(f"{name} {value} is no number of 1 or more")
    asked = load_settings(settings_of(options), file=Path(options.config) if options.config else None)
    split: Literal["development", "test", "all"] = options.split or (
        "development" if has_halves(options.suite) else "all"
    )
    data = Path(options.data).expanduser() if options.data else None
    allow_outside: bool = options.allow_outside
    suite = open_suite(options.suite, data, "" if split == "all" else split, allow_outside=allow_outside)
    metrics = check_metrics(options.metric, suite)
    for name in options.metric:
        check_applies(name, suite, options.seeds)
    settings = common_settings(suite, asked)
    texts = options.arm
    left_out: list[str] = []
    if options.full and not texts:
        left_out = [name for name in ARMS if not usable_in_full(name, settings)]
        texts = [name for name in ARMS if name not in left_out]
    plan = Plan(
        suite=replace(suite, prompts=chosen_prompts(suite, options.limit, options.full, options.stratum)),
        arms=ordered(read_arms(texts)),
        seeds=tuple(range(options.seeds)),
        settings=settings,
        metrics=metrics,
        data=None if suite.name in BUNDLED else data_root(options.suite, data),
    )
    named = f"{suite.name}-{split}" if has_halves(options.suite) else suite.name
    folder = Path(options.out or Path("runs", named)).expanduser().absolute()
    bars = ProgressBars(quiet=options.json)

    def note(text: str) -> None:
        bars.clear()
        say(f"note: {text}", file=sys.stderr)

    def tell(progress: Progress) -> None:
        what = "drawn" if progress.drawing is None else f"drawn, last by {progress.drawing.arm}"
        bars.update(what, progress.done, progress.total)

    for name in left_out:
        note(f"arm {name!r} is left out: it needs a model that sees images, as --vlm or --critic")
    with (
        cancel_on_interrupt() as cancel,
        contextlib.redirect_stdout(sys.stderr),
        downloads_watched(bars.downloading),
    ):
        try:
            pictures = retrieval_pictures(options.suite, data)
            settings = with_retrieval_set(
                suite, pictures, settings, bars.update, note, root=plan.data, allow_outside=allow_outside
            )
            plan = replace(plan, settings=settings)
            evaluate(plan, folder, options.workers, tell, note, cancel.is_set)
        finally:
            bars.clear()
        if cancel.is_set():
            raise Ended(cancel.status, f"what was drawn is kept in {str(folder)!r}; the same command goes on")
    summary = write_report(folder)
    if options.json:
        say_json({**summary.as_json(), "out": str(folder), "report": str(folder / REPORT)}, stdout)
    else:
        for line in report_lines(summary):
            say(line, file=stdout)
        say(f"report: {folder / REPORT}", file=stdout)
    return SOME_FAILED if any(arm.failed for arm in summary.arms) else ALL_DRAWN


def compare(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print the paired differences between two runs, or between arms of one.

    Raises:
        UserError: a folder is no run, the runs have nothing in common, or an arm is not there.
    """
    from imagerag.evaluation.compare import compare_runs
    from imagerag.evaluation.tables import aligned, difference_table

    if len(options.runs) > 2:
        raise UserError(f"{len(options.runs)} runs can't be compared at once; name two, or one with --arm ONE=OTHER")
    pairs = []
    for text in options.arm:
        one, equals, other = text.partition("=")
        if not (one and equals and other):
            raise UserError(f"--arm {text!r} is no pair of arms; give --arm ONE=OTHER")
        pairs.append((one, other))
    first, *others = (Path(run).expanduser() for run in options.runs)
    if not others and not pairs:
        raise UserError(f"{str(first)!r} alone: name another run, or the arms to compare with --arm ONE=OTHER")
    compared = compare_runs(first, others[0] if others else first, pairs)
    if options.json:
        say_json(compared.as_json(), stdout)
        return ALL_DRAWN
    for line in aligned(difference_table(compared.rows)):
        say(line, file=stdout)
    for text in compared.notes:
        say(f"note: {text}", file=sys.stderr)
    return ALL_DRAWN
