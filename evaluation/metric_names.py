"""The metrics of an evaluation by name: those of pictograms, and those of ``imagerag.evaluation.metrics``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from imagerag.errors import UserError
from imagerag.evaluation.metrics.base import Metric, MetricContext
from imagerag.evaluation.metrics.registry import METRICS as OTHERS
from imagerag.evaluation.metrics.registry import load_metric as load_other
from imagerag.evaluation.metrics.registry import read_metric
from imagerag.evaluation.records import Suite


def _presence() -> Metric:
    from imagerag.evaluation.presence import PictogramPresence

    return PictogramPresence()


def _wrong_references() -> Metric:
    from imagerag.evaluation.presence import WrongReferences

    return WrongReferences()


OF_PICTOGRAMS: Mapping[str, Callable[[], Metric]] = {"presence": _presence, "wrong_references": _wrong_references}
"""Those that know the bundled library."""


def default_metrics(suite: Suite) -> tuple[str, ...]:
    """Return what is measured of a suite unless something is asked for: nothing that costs money or has to be named.

    Of pictograms the presence of concepts; of sets with real pictures the paper's similarities; else CLIP's alone.
    """
    if suite.library == ("bundled",):
        return tuple(OF_PICTOGRAMS)
    return ("clip", "dino") if any(prompt.images for prompt in suite.prompts) else ("clip",)


def check_metrics(told: Sequence[str], suite: Suite) -> tuple[str, ...]:
    """Return the metrics of a run, each once; nothing is loaded.

    Args:
        told: as a person names them; empty for ``default_metrics``.
        suite: that is run.

    Raises:
        UserError: one is unknown or can't judge that suite, or two would write into one file.
    """
    names = tuple(dict.fromkeys(told)) or default_metrics(suite)
    files: dict[str, str] = {}
    for name in names:
        if name not in OF_PICTOGRAMS:
            try:
                read_metric(name)
            except UserError as error:
                raise UserError(
                    f"{error}; all of them: {', '.join(dict.fromkeys([*OF_PICTOGRAMS, *OTHERS]))}"
                ) from error
        elif suite.library != ("bundled",):
            meant = "; name a chat model that sees, as in presence:openai:gpt-6.1-sol" if name in OTHERS else ""
            raise UserError(
                f"metric {name!r} judges pictograms alone, and suite {suite.name!r} is of something else{meant}"
            )
        if (other := files.setdefault(file_of(name), name)) != name:
            raise UserError(f"metrics {other!r} and {name!r} are kept under one name, {file_of(name)!r}; leave one out")
    return names


def check_applies(told: str, suite: Suite, seeds: int) -> None:
    """Refuse a metric that could measure nothing of a suite.

    Raises:
        UserError: naming what the suite or the run lacks.
    """
    if told in OF_PICTOGRAMS:
        return
    needs = OTHERS[read_metric(told).metric].needs
    if "concepts" in needs and not any(prompt.concepts for prompt in suite.prompts):
        raise UserError(
            f"metric {told!r} asks for concepts, and suite {suite.name!r} tells none; measure clip or vqascore"
        )
    if "real images" in needs and not any(prompt.images for prompt in suite.prompts):
        raise UserError(f"metric {told!r} compares with real pictures, and suite {suite.name!r} has none; leave it out")
    if "seeds" in needs and seeds < 2:
        raise UserError(f"metric {told!r} compares drawings of several seeds; give --seeds 2 or more, or leave it out")


def file_of(told: str) -> str:
    """Return the name of the file of a metric's measurements, without its ending."""
    return told if told in OF_PICTOGRAMS else read_metric(told).name


def judge_of(told: str) -> str:
    """Return by which judge a metric measures, where that may be another one with another version; "" elsewhere."""
    if told != "presence":
        return ""
    from imagerag.evaluation.evaluator import CALIBRATION

    return hashlib.sha256(CALIBRATION.read_bytes()).hexdigest()[:8]  # it names the weights, too


def load_metric(told: str, context: MetricContext) -> Metric:
    """Return a metric.

    Args:
        told: as a person names it.
        context: what it is given to work with.

    Raises:
        UserError: there is none, or something that it needs is missing.
    """
    if told in OF_PICTOGRAMS:
        return OF_PICTOGRAMS[told]()
    return load_other(told, context)
