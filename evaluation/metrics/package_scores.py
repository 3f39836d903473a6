"""Scores of other packages as metrics: in this process where the package is installed, or in another environment."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imagerag.errors import UserError, first_line
from imagerag.evaluation.metrics import scorers
from imagerag.evaluation.metrics.base import MetricContext, Need, measurement
from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt
from imagerag.store.png import on_white

if TYPE_CHECKING:
    from PIL import Image

Score = Callable[[str, str], float]


class Package(NamedTuple):
    """What a score needs.

    Attributes:
        module: to be imported.
        package: as pip knows it.
        pins: what keeps it from being installed beside imagerag.
    """

    module: str
    package: str
    pins: str


PACKAGES = {
    "vqascore": Package("t2v_metrics", "t2v-metrics", "torch==2.5.1 and transformers==4.49.0, and the program ffmpeg"),
    "hpsv3": Package("hpsv3", "hpsv3", "transformers==4.45.2"),
    "image-reward": Package("ImageReward", "image-reward", "timm==0.6.13"),
}
"""By the names of the metrics, as of t2v-metrics 3.0, hpsv3 1.0.0 and image-reward 1.5."""


class PackageScore:
    """The metrics ``vqascore``, ``hpsv3`` and ``image-reward``.

    Args:
        name: of the metric.
        score: from an image's path and the prompt to the score.
    """

    needs: frozenset[Need] = frozenset()

    def __init__(self, name: str, score: Score) -> None:
        self.name = name
        self.notes: dict[str, int] = {}
        self._score = score

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """See ``Metric``."""
        with tempfile.TemporaryDirectory(prefix="imagerag-") as folder:
            file = Path(folder, "image.png")
            on_white(image).save(file)
            return measurement(drawing, self._score(str(file), prompt.text))


def load_package_score(metric: str, name: str, model: str, environment: str, context: MetricContext) -> PackageScore:
    """Return the metric.

    Args:
        metric: which.
        name: of the file of its measurements.
        model: of the package's own; its usual one unless given.
        environment: a virtual environment, or its Python; this process unless given.
        context: where it computes.

    Raises:
        UserError: the package is not there, or can't be used.
    """
    if environment:
        process = ScorerProcess(metric, _python(metric, environment))
        process.ask({"scorer": metric, "model": model, "device": context.device})
        return PackageScore(name, process.score)
    wanted = PACKAGES[metric]
    if importlib.util.find_spec(wanted.module) is None:
        apart = f"python -m venv ENV, then ENV/bin/pip install {wanted.package}"
        raise UserError(
            f"metric {metric!r} needs the package {wanted.package!r}, which is not installed; it asks for {wanted.pins}"
            f": give it an environment of its own ({apart}) and name the metric {metric}@ENV"
        )
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return PackageScore(name, scorers.SCORERS[metric](model, context.device))
    except UserError:
        raise
    except Exception as error:  # packages raise whatever they like as they load
        raise UserError(f"metric {metric!r} can't be loaded: {first_line(error, 300)}") from error


class ScorerProcess:
    """A scorer in another environment, which is ended with this process.

    Args:
        metric: which.
        python: of the environment.

    Raises:
        UserError: it can't be run.
    """

    def __init__(self, metric: str, python: Path) -> None:
        self._metric = metric
        self._python = python
        # -I: neither this folder, whose modules have names of packages, nor our own PYTHONPATH are looked in.
        command = [str(python), "-I", str(Path(scorers.__file__))]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", text=True
            )
        except OSError as error:
            raise UserError(f"metric {metric!r} can't run {str(python)!r} ({first_line(error)})") from error
        atexit.register(self.close)

    def score(self, image: str, prompt: str) -> float:
        """Return the score of an image.

        Raises:
            UserError: the scorer failed.
        """
        return float(self.ask({"image": image, "prompt": prompt})["score"])

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one question.

        Raises:
            UserError: the scorer failed, or has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = ""
        with contextlib.suppress(OSError, ValueError):  # it has ended or was closed, which the empty answer tells
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            raise UserError(f"metric {self._metric!r}: {str(self._python)!r} ended with status {status}; see above")
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            wanted = PACKAGES[self._metric].package
            hint = f"; run: {self._python} -m pip install {wanted}" if "No module named" in told["error"] else ""
            raise UserError(f"metric {self._metric!r} in {str(self._python)!r}: {told['error']}{hint}")
        return told

    def close(self) -> None:
        """End the process; it has nothing to save."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _python(metric: str, environment: str) -> Path:
    given = Path(environment).expanduser()
    candidates = [given] if given.is_file() else [given / "bin" / "python", given / "Scripts" / "python.exe"]
    found = next((each for each in candidates if each.is_file()), None)
    if found is None:
        raise UserError(
            f"metric {metric!r} finds no Python in {environment!r}; give a virtual environment, or its Python"
        )
    return found.absolute()
