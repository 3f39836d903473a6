"""Reading the folder of a run, whose layout ``imagerag.evaluation.records`` describes; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from imagerag.errors import UserError
from imagerag.evaluation.arms import FIXED
from imagerag.evaluation.records import Arm, Concept, Drawing, Measurement, Suite, SuitePrompt
from imagerag.evaluation.told_settings import told_settings
from imagerag.index.user.sources.short_text import shortened
from imagerag.regular_files import read_regular
from imagerag.store.file_errors import file_error
from imagerag.store.files import is_address
from imagerag.told_text import told_text

RUN, DRAWINGS, MEASURED, IMAGES = "run.json", "drawings.jsonl", "measured", "images"


MOST = 1e15
"""Of any figure, below which whole numbers are exact."""


class Key(NamedTuple):
    """What two arms are compared on."""

    prompt: str
    seed: int


@dataclass(frozen=True)
class RunFile:
    """What ``run.json`` says.

    Attributes:
        suite: with its prompts, those that were left out of the run not among them.
        arms: in the order of the report; the first is what the others are compared with.
        seeds: of each prompt.
        versions: of what the run was made with, by name.
        settings: that all arms have, as far as somebody asked for them.
        judges: versions of what metrics judge by, by the name of the metric.
    """

    suite: Suite
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    judges: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Run:
    """A run as it stands, finished or not.

    Attributes:
        folder: of the run.
        file: what ``run.json`` says.
        drawings: by arm and key; of a drawing that was made again, the last.
        measured: by metric, arm and key.
        notes: what was skipped, for the person to know.
    """

    folder: Path
    file: RunFile
    drawings: Mapping[str, Mapping[Key, Drawing]]
    measured: Mapping[str, Mapping[str, Mapping[Key, Measurement]]]
    notes: tuple[str, ...] = ()

    @property
    def suite(self) -> Suite:
        """The prompts and what is known of them."""
        return self.file.suite

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the arms, in the order of the report."""
        return tuple(arm.name for arm in self.file.arms)

    @cached_property
    def prompts(self) -> dict[str, SuitePrompt]:
        """The prompts by name."""
        return {prompt.name: prompt for prompt in self.suite.prompts}

    @cached_property
    def concepts(self) -> dict[tuple[str, str], Concept]:
        """The concepts by the name of their prompt and their own text."""
        return {(prompt.name, one.text): one for prompt in self.suite.prompts for one in prompt.concepts}

    def image(self, drawing: Drawing) -> Path:
        """Return where a drawing's image lies, or would."""
        return self.folder / IMAGES / f"{drawing.image}.png"


def read_run(folder: Path) -> Run:
    """Read a run.

    Lines that can't be used are left out with a note: the last line of a process that was killed is torn. So are
    drawings and measurements of arms and prompts that ``run.json`` doesn't name.

    Raises:
        UserError: there is no run, it can't be read, or ``run.json`` is none.
    """
    file = _run_file(folder)
    notes: list[str] = []
    arms = {arm.name for arm in file.arms}
    prompts = {prompt.name for prompt in file.suite.prompts}
    drawings = _by_arm(_lines(folder / DRAWINGS, Drawing, notes), arms, prompts, "drawing", DRAWINGS, notes)
    measured: dict[str, Mapping[str, Mapping[Key, Measurement]]] = {}
    for path in sorted((folder / MEASURED).glob("*.jsonl")):
        lines = _lines(path, Measurement, notes)
        measured[path.stem] = _by_arm(lines, arms, prompts, "measurement", f"{MEASURED}/{path.name}", notes)
    return Run(folder, file, drawings, measured, tuple(notes))


def joined(runs: Sequence[Run]) -> Run:
    """Return runs of parts of one evaluation as one: of other arms, prompts or seeds, or of some of the same.

    Args:
        runs: at least one.

    Raises:
        UserError: they are of other suites, settings, versions or judges, an arm or a prompt is another one in each, or
            the same was drawn or measured otherwise.
    """
    first, *others = runs
    arms = {arm.name: arm for arm in first.file.arms}
    prompts = {**first.prompts}
    drawings: dict[str, dict[Key, Drawing]] = {}
    measured: dict[str, dict[str, dict[Key, Measurement]]] = {}
    for run in runs:
        for what, one, other in (
            ("suite", first.suite.name, run.suite.name),
            ("settings", _of_drawings(first), _of_drawings(run)),
            ("versions", first.file.versions, run.file.versions),
            ("judges", first.file.judges, run.file.judges),
        ):
            if one != other:
                raise _apart(first, run, f"{what} {one!r} and {other!r}")
        for arm in run.file.arms:
            if arms.setdefault(arm.name, arm).settings != arm.settings:
                raise _apart(first, run, f"an arm {arm.name!r} with other settings")
        for prompt in run.suite.prompts:
            if prompts.setdefault(prompt.name, prompt) != prompt:
                raise _apart(first, run, f"a prompt {prompt.name!r} with other words or concepts")
        for name, entries in run.drawings.items():
            for key, drawing in entries.items():
                if drawings.setdefault(name, {}).setdefault(key, drawing).image != drawing.image:
                    raise _apart(first, run, f"another image of {key.prompt!r} by {name!r}, seed {key.seed}")
        for metric, of_arms in run.measured.items():
            for name, values in of_arms.items():
                for key, value in values.items():
                    known = measured.setdefault(metric, {}).setdefault(name, {})
                    if known.setdefault(key, value).value != value.value:
                        raise _apart(first, run, f"another {metric} of {key.prompt!r} by {name!r}, seed {key.seed}")
    seeds = tuple(sorted({seed for run in runs for seed in run.file.seeds}))
    suite = replace(first.suite, prompts=tuple(prompts.values()))
    file = replace(first.file, suite=suite, arms=tuple(arms.values()), seeds=seeds)
    notes = tuple(f"{run.folder}: {note}" for run in runs for note in run.notes) if others else first.notes
    return Run(first.folder, file, drawings, measured, notes)


def _of_drawings(run: Run) -> dict[str, object]:
    """Return the settings that say what is drawn, and not where it goes."""
    return {name: value for name, value in run.file.settings.items() if name not in FIXED}


def _apart(first: Run, other: Run, why: str) -> UserError:
    return UserError(f"{str(first.folder)!r} and {str(other.folder)!r} are no parts of one evaluation: {why}")


def _run_file(folder: Path) -> RunFile:
    path = folder / RUN
    try:
        data = read_regular(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(
            f"{str(folder)!r} is no run: it has no {RUN}; give the folder that imagerag eval wrote with --out"
        ) from error
    except OSError as error:
        raise file_error(path, error, verb="read") from error
    try:
        file = TypeAdapter(RunFile).validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        raise UserError(
            f"{str(path)!r} is not what imagerag eval writes ({reason}); run imagerag eval --out with another folder"
        ) from error
    return replace(  # those of earlier versions told more than a report should
        file,
        settings=told_settings(file.settings),
        arms=tuple(replace(arm, settings=told_settings(arm.settings), about=told_text(arm.about)) for arm in file.arms),
    )


Line = TypeVar("Line", Drawing, Measurement)


def _lines(path: Path, kind: type[Line], notes: list[str]) -> Iterator[Line]:
    try:
        data = read_regular(path) if path.exists() else b""
    except OSError as error:
        raise file_error(path, error, verb="read") from error
    adapter = TypeAdapter(kind)
    lines = data.splitlines()
    for number, line in enumerate(lines, 1):
        try:
            entry = adapter.validate_json(line)
            _check(entry)
        except ValueError as error:
            torn = number == len(lines) and not data.endswith(b"\n")
            reason = "the last line, torn off" if torn else _reason(error)
            notes.append(f"line {number} of {path.name} is left out: {reason}")
            continue
        yield entry


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))


def _check(entry: Drawing | Measurement) -> None:
    """Refuse what would go into a path or spoil a mean.

    Raises:
        ValueError: it says what.
    """
    if isinstance(entry, Drawing):
        if entry.image and not is_address(entry.image):
            raise ValueError(f"image {entry.image!r} is no SHA-256")
        counts = (entry.generations, entry.steps, entry.calls, entry.tokens)
        numbers = [entry.seconds, entry.money, entry.score, *counts, *entry.verdict.values()]
    else:
        numbers = [entry.value, *entry.parts.values()]
    for number in numbers:
        if number is not None and not is_usable(number):
            raise ValueError(f"{shortened(str(number), 40)} is no number that can be counted with")


def is_usable(number: float) -> bool:
    """Tell whether a number can be counted and drawn with: whole ones may be too large for that, too."""
    try:
        return abs(float(number)) < MOST
    except OverflowError:
        return False


def _by_arm(
    lines: Iterator[Line], arms: set[str], prompts: set[str], what: str, path: str, notes: list[str]
) -> dict[str, dict[Key, Line]]:
    found: dict[str, dict[Key, Line]] = {}
    unknown = again = 0
    for line in lines:
        if line.arm not in arms or line.prompt not in prompts:
            unknown += 1
            continue
        of_arm, key = found.setdefault(line.arm, {}), Key(line.prompt, line.seed)
        again += key in of_arm
        of_arm[key] = line
    if unknown:
        notes.append(f"left out, since run.json has no such arm or prompt: {counted(unknown, what)} of {path}")
    if again:
        notes.append(f"there more than once, of which the last one counts: {counted(again, what)} of {path}")
    return found


def counted(number: int, thing: str) -> str:
    """Return a number of things in words."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
