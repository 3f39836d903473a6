"""The folder of a run as it is written: a line for each thing as soon as it is there, so that a kill loses one drawing.

One process writes, which holds a lock. ``imagerag.evaluation.records`` describes the layout.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from imagerag import __version__
from imagerag.errors import UserError
from imagerag.evaluation.arms import FIXED
from imagerag.evaluation.metric_names import file_of, judge_of
from imagerag.evaluation.plan import Plan, Task
from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt
from imagerag.evaluation.run_folder import RunFile
from imagerag.evaluation.told_settings import told_settings
from imagerag.evaluation.worker import Message
from imagerag.places import without_place
from imagerag.regular_files import read_regular
from imagerag.store.file_errors import file_error
from imagerag.store.files import is_address, read_whole, write_whole
from imagerag.store.journals import append_line, sole_worker
from imagerag.told_text import told_text

RUN, DRAWINGS, LOOKUPS, MEASURED, IMAGES, REFERENCES, LOCK = (
    "run.json", "drawings.jsonl", "lookups.jsonl", "measured", "images", "references", ".eval.lock",
)  # fmt: skip

Key = tuple[str, str, int]
"""Arm, prompt and seed."""


class FoundHit(TypedDict):
    """One reference that a search has found; ``imagerag.index.base.Hit`` has more."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    sha256: str


class FoundLine(TypedDict):
    """A line of ``lookups.jsonl``."""

    prompt: str
    key: str
    found: list[list[FoundHit]]


DRAWING, MEASUREMENT, FOUND = TypeAdapter(Drawing), TypeAdapter(Measurement), TypeAdapter(FoundLine)
Line = TypeVar("Line", Drawing, Measurement, FoundLine)


def held(folder: Path) -> AbstractContextManager[None]:
    """Keep other evaluations out of a folder for the length of a ``with`` block.

    Raises:
        UserError: one is at work there.
    """
    return sole_worker(folder / LOCK, "imagerag eval")


class JsonLines:
    """A file with an object a line, to which lines are added.

    Attributes:
        rows: those that were there when it was opened.
        damaged: lines that can't be read: the last one of a process that was killed.

    Raises:
        UserError: it can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0
        self.rows: list[dict[str, Any]] = []
        try:
            data = read_regular(path) if path.exists() else b""
        except OSError as error:
            raise file_error(path, error, verb="read") from error
        for line in data.splitlines():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                self.rows.append(row)
            else:
                self.damaged += 1
        self._whole = not data or data.endswith(b"\n")

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a line, which is on the disk when this returns.

        Raises:
            UserError: it can't be written.
        """
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise file_error(self.path, error, verb="written to") from error
        append_line(self.path, line, whole=self._whole)
        self._whole = True


class RunJournal:
    """What a run has done, and where what it does next is entered.

    What another judge than today's has measured is set aside and measured again: two judges' figures don't compare.

    Args:
        folder: of the run; must exist.
        plan: what is to be drawn.

    Attributes:
        done: drawings that are there.
        measured: by metric.
        measured_anew: metrics whose measurements were set aside.

    Raises:
        UserError: the folder holds another run, or can't be read.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self._plan = plan
        self.measured_anew = _set_aside(folder, plan)
        self._drawings = JsonLines(folder / DRAWINGS)
        self._lookups = JsonLines(folder / LOOKUPS)
        self._measured = {name: JsonLines(folder / MEASURED / f"{file_of(name)}.jsonl") for name in plan.metrics}
        self._unusable = 0
        self.done: dict[Key, Drawing] = {}
        for drawing in self._read_as(DRAWING, self._drawings):
            if self._is_there(drawing):
                self.done[drawing.arm, drawing.prompt, drawing.seed] = drawing
        self.measured: dict[str, dict[Key, Measurement]] = {
            name: {(one.arm, one.prompt, one.seed): one for one in self._read_as(MEASUREMENT, lines)}
            for name, lines in self._measured.items()
        }
        self._found = [*self._read_as(FOUND, self._lookups)]
        self._write_run()

    @property
    def damaged(self) -> int:
        """Lines that can't be read."""
        files = (self._drawings, self._lookups, *self._measured.values())
        return self._unusable + sum(lines.damaged for lines in files)

    def _read_as(self, kind: TypeAdapter[Line], lines: JsonLines) -> Iterator[Line]:
        """Yield the rows that are of this kind; the others count as damaged."""
        for row in lines.rows:
            try:
                yield kind.validate_python(row)
            except ValidationError:
                self._unusable += 1

    def enter(self, message: Message) -> None:
        """Write what a worker tells.

        Raises:
            UserError: it can't be written.
        """
        if message.kind == "image":
            write_whole(self._image(message.name), message.value, private=False)
        elif message.kind == "reference":
            write_whole(self._reference(message.name), message.value, private=False)
        elif message.kind == "lookup":
            self._lookups.add(message.value)
        elif message.kind == "drawing":
            drawing: Drawing = message.value
            self._drawings.add(asdict(drawing))
            self.done[drawing.arm, drawing.prompt, drawing.seed] = drawing
        else:
            measurement: Measurement = message.value
            self._measured[message.name].add(asdict(measurement))
            self.measured[message.name][measurement.arm, measurement.prompt, measurement.seed] = measurement

    def tasks(self) -> list[Task]:
        """Return what is left to do, prompt by prompt; drawings that failed are made again."""
        lookups: dict[str, list[dict[str, Any]]] = {}
        for row in self._found:
            lookups.setdefault(row["prompt"], []).append({**row})
        tasks = [self._task(prompt, tuple(lookups.get(prompt.name, ()))) for prompt in self._plan.suite.prompts]
        return [task for task in tasks if task.left or task.unmeasured]

    def _task(self, prompt: SuitePrompt, lookups: tuple[dict[str, Any], ...]) -> Task:
        left: set[tuple[str, int]] = set()
        there: dict[tuple[str, int], Drawing] = {}
        unmeasured: dict[tuple[str, int], tuple[str, ...]] = {}
        for arm in self._plan.arms:
            for seed in self._plan.seeds:
                key = arm.name, prompt.name, seed
                drawing = self.done.get(key)
                if drawing is None or drawing.error:
                    left.add((arm.name, seed))
                    continue
                there[arm.name, seed] = drawing
                if lacking := tuple(name for name, known in self.measured.items() if key not in known):
                    unmeasured[arm.name, seed] = lacking
        # Of an arm with something left to do, the others are what a drawing is compared with.
        at_work = {arm for arm, _ in (*left, *unmeasured)}
        pngs = {key: self._image(one.image) for key, one in there.items() if key[0] in at_work}
        found = {hit["sha256"] for row in lookups for hits in row["found"] for hit in hits}
        kept = {sha256: self._reference(sha256) for sha256 in found if is_address(sha256)}
        references = {sha256: path for sha256, path in kept.items() if path.is_file()}
        return Task(prompt, frozenset(left), tuple(there.values()), lookups, pngs, unmeasured, references)

    def _image(self, sha256: str) -> Path:
        return self.folder / IMAGES / f"{sha256}.png"

    def _reference(self, sha256: str) -> Path:
        return self.folder / REFERENCES / f"{sha256}.png"

    def _is_there(self, drawing: Drawing) -> bool:
        return bool(drawing.error) or (is_address(drawing.image) and self._image(drawing.image).is_file())

    def _write_run(self) -> None:
        """Write ``run.json``, with what earlier runs in this folder have drawn besides.

        Raises:
            UserError: those were runs of something else.
        """
        path = self.folder / RUN
        plan = self._plan
        arms = [_told_arm(asdict(arm)) for arm in plan.arms]
        seeds = list(plan.seeds)
        prompts = {prompt.name: _row(prompt) for prompt in plan.suite.prompts}
        settings = _told(plan)
        versions = {"imagerag": __version__, "python": platform.python_version()}
        if path.exists() and self._drawings.rows:  # one that never came to draw is nothing to go on with
            before = _read(path)
            _check(path, before, plan, settings, versions)
            names = {arm["name"] for arm in before["arms"]}
            arms = [*map(_told_arm, before["arms"]), *(arm for arm in arms if arm["name"] not in names)]
            seeds = sorted({*before["seeds"], *seeds})
            prompts = {row["name"]: row for row in before["suite"]["prompts"]} | prompts
        retrieval = without_place(plan.suite.retrieval)
        suite = {**asdict(replace(plan.suite, prompts=(), retrieval=retrieval)), "prompts": [*prompts.values()]}
        judges = {**_judges_of(path), **_judges(plan)}
        told = {
            "suite": suite, "arms": arms, "seeds": seeds, "settings": settings, "versions": versions, "judges": judges,
        }  # fmt: skip
        write_whole(path, json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "replace"), private=False)


def _judges(plan: Plan) -> dict[str, str]:
    return {file_of(name): judge for name in plan.metrics if (judge := judge_of(name))}


def _judges_of(path: Path) -> dict[str, str]:
    """Return the judges that ``run.json`` names; none where there is no such file, or an older one."""
    try:
        told = json.loads(read_whole(path)).get("judges", {}) if path.exists() else {}
    except (ValueError, AttributeError):
        return {}
    return {str(name): str(judge) for name, judge in told.items()} if isinstance(told, dict) else {}


def _set_aside(folder: Path, plan: Plan) -> tuple[str, ...]:
    """Rename the measurements of judges that are others now; return the metrics.

    Raises:
        UserError: a file can't be renamed.
    """
    before, changed = _judges_of(folder / RUN), []
    for name, judge in _judges(plan).items():
        path = folder / MEASURED / f"{name}.jsonl"
        if before.get(name) == judge or not path.exists():
            continue
        try:
            path.replace(path.with_suffix(f".{before.get(name) or 'before'}"))
        except OSError as error:
            raise file_error(path, error, verb="renamed") from error
        changed.append(name)
    return tuple(changed)


def _row(prompt: SuitePrompt) -> dict[str, Any]:
    return {**asdict(prompt), "images": [*map(without_place, prompt.images)]}


def _told_arm(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "settings": told_settings(row["settings"]), "about": told_text(row["about"])}


def _told(plan: Plan) -> dict[str, Any]:
    """Return what all arms have that somebody has asked for, by name."""
    asked = dict(plan.settings.origins)
    given = [name for name, where in asked.items() if name not in FIXED and not where.startswith("suite ")]
    return told_settings({name: getattr(plan.settings, name) for name in sorted(given)})


def _read(path: Path) -> dict[str, Any]:
    try:
        before: dict[str, Any] = json.loads(read_whole(path))
        file = TypeAdapter(RunFile).validate_python(before)
        assert {"settings", "versions"} <= before.keys()
        before["arms"] = [asdict(arm) for arm in file.arms]
    except (ValueError, AssertionError, RecursionError) as error:
        raise UserError(f"{str(path)!r} is no run of imagerag eval; choose another --out") from error
    return before


def _check(path: Path, before: dict[str, Any], plan: Plan, settings: dict[str, Any], versions: dict[str, str]) -> None:
    """Refuse to go on with a run of something else, whose figures would not belong together.

    Raises:
        UserError: naming what differs.
    """
    where = f"{str(path.parent)!r} holds a run"
    of_drawings = {name: value for name, value in before["settings"].items() if name not in FIXED}
    for what, then, now in (
        ("of suite", before["suite"]["name"], plan.suite.name),
        ("with the settings", told_settings(of_drawings), settings),
        ("of the versions", before["versions"], versions),
    ):
        if then != now:
            raise UserError(f"{where} {what} {then!r}, not {now!r}; choose another --out")
    texts = {row["name"]: row["text"] for row in before["suite"]["prompts"]}
    for prompt in plan.suite.prompts:
        if texts.get(prompt.name, prompt.text) != prompt.text:
            raise UserError(f"{where} whose prompt {prompt.name!r} has other words; choose another --out")
    known = {row["name"]: told_settings(row["settings"]) for row in before["arms"]}
    for arm in plan.arms:
        now = json.loads(json.dumps(told_settings(arm.settings)))
        then = known.get(arm.name, now)
        if now != then:
            raise UserError(f"{where} whose arm {arm.name!r} had {then!r}, not {now!r}; choose another --out")
