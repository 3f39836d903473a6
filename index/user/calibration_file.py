"""Where the fit of a model on the own pictures lies: one JSON file beside the shards, written whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagerag.embedders.calibration import FALSE_POSITIVES, LEAST_CAPTIONED, Calibration, Shows
from imagerag.index.user.shards import model_tag
from imagerag.index.user_libraries import OWN, library_directory
from imagerag.regular_files import read_regular
from imagerag.shell_words import quoted
from imagerag.store.files import write_whole

PREFIX = "calibration-"


class CalibrationFile:
    """The file of one model; it is read again only when it has changed.

    Args:
        directory: of the own pictures.
        model: id of the embedder.
    """

    def __init__(self, directory: Path, model: str) -> None:
        self._model = model
        self._path = directory / f"{PREFIX}{model_tag(model)}.json"
        self._read: tuple[tuple[int, int], Calibration | None] | None = None

    def read(self) -> Calibration | None:
        """Return the record; ``None`` if there is none, or one that can't be read: it is fitted again then."""
        try:
            stat = self._path.stat()
            version = (stat.st_mtime_ns, stat.st_ino)
            if self._read is None or self._read[0] != version:
                self._read = version, _parsed(read_regular(self._path), self._model)
        except OSError:
            return None
        return self._read[1]

    def write(self, calibration: Calibration) -> None:
        """Replace the record.

        Raises:
            UserError: the disk is full, read-only or not ours.
        """
        write_whole(self._path, calibration.to_json())


def stored_calibrations(directory: Path) -> list[Calibration]:
    """Return the records of all models, by model id."""
    found = [_parsed(read_regular(file)) for file in sorted(directory.glob(f"{PREFIX}*.json"))]
    return sorted((one for one in found if one is not None), key=lambda one: one.model)


def library_calibration(home: Path, library: str, model: str) -> Calibration | None:
    """Return the record of one model on a library of a person's own; ``None`` if there is none.

    Args:
        home: the data directory.
        library: its name.
        model: id of the embedder.
    """
    return CalibrationFile(library_directory(home, library), model).read()


def calibrate_command(library: str, model: str, shows: Shows | None = None) -> str:
    """Return the command that calibrates a model on a library, and says what its pictures are."""
    words = [
        "imagerag",
        "index",
        "calibrate",
        *(["--library", library] if library != OWN else []),
        "--lookup-model",
        model,
    ]
    return quoted([*words, *(["--shows", shows] if shows else [])])


def calibration_summary(fitted: Calibration) -> dict[str, Any]:
    """Return what there is to tell of a fit, for JSON."""
    floor, checked = fitted.floor, fitted.reliability
    return {
        "model": fitted.model,
        "kind": fitted.kind,
        "shows": fitted.shows,
        "calibrated": fitted.calibrated,
        "captioned": fitted.captioned,
        "pictures": fitted.pictures,
        "floor": floor and {"statistic": floor.statistic, "value": floor.value, "kept": floor.kept},
        "reliability": checked and {"error": checked.error, "pairs": checked.pairs, "pictures": checked.pictures},
    }


def in_words(fitted: Calibration) -> str:
    """Return one line that tells what a model was calibrated on, and how well."""
    if fitted.calibrated:
        what = "drawings of known truth" if fitted.kind == "pictograms" else f"captioned {fitted.shows}"
        text = f"{fitted.model} is calibrated on {fitted.captioned} {what}"
        if fitted.reliability is not None:
            text += f" (expected calibration error {fitted.reliability.error:.3f} on {fitted.reliability.pairs} others)"
    else:
        text = (
            f"{fitted.model} is uncalibrated: fewer than {LEAST_CAPTIONED} pictures have captions, so a critic using "
            "it triggers no redraw"
        )
    if fitted.floor is not None:
        text += (
            f"; look-ups take {fitted.floor.statistic} {fitted.floor.value:.3f} or more: "
            f"{FALSE_POSITIVES:.0%} false positives, {fitted.floor.kept:.1%} of what is there found"
        )
    return text


def _parsed(data: bytes, model: str | None = None) -> Calibration | None:
    try:
        read = Calibration.from_json(data)
    except ValueError:
        return None
    return read if model in (None, read.model) else None
