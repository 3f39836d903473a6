"""One evaluation: what is not there yet is drawn and measured, and entered in the folder of the run as it comes."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from imagerag.errors import UserError
from imagerag.evaluation.arms import NEEDS_VLM, settings_of
from imagerag.evaluation.engines import Engine, Processes, RayCluster, ThisProcess
from imagerag.evaluation.journal import RunJournal, held
from imagerag.evaluation.plan import Plan
from imagerag.evaluation.records import Drawing, Suite
from imagerag.graphs.components import Components
from imagerag.profiles.resolve import resolve
from imagerag.settings import Settings
from imagerag.told_text import told_text

SCRATCH = ".work"
MOST_SECONDS = 3600.0
"""Limit of a run, and of loading, unless one is asked for: how busy a machine is must not decide what it draws."""


@dataclass(frozen=True)
class Progress:
    """How far an evaluation has come.

    Attributes:
        done: drawings that are there, and ``total``: that there will be.
        drawing: the last one; ``None`` as it begins.
    """

    done: int
    total: int
    drawing: Drawing | None = None


def common_settings(suite: Suite, asked: Settings) -> Settings:
    """Return the settings that all arms have.

    Args:
        suite: says where is looked up, unless somebody asks for other libraries.
        asked: what the person gave.
    """
    by_suite = not asked.library and bool(suite.library)
    return replace(
        asked,
        library=asked.library or suite.library or None,
        origins=(*asked.origins, *([("library", f"suite {suite.name!r}")] if by_suite else [])),
        max_seconds=asked.max_seconds or MOST_SECONDS,
        max_loading_seconds=asked.max_loading_seconds or MOST_SECONDS,
        thread=None,
        out=None,
        file_name=None,
        seed=None,
        cancel=None,
    )


def engine_of(name: str, settings: Settings, scratch: Path) -> Engine:
    """Return where the tasks are done.

    Args:
        name: ``auto``, a number of processes, ``ray`` or ``ray:ADDRESS``.
        settings: of all arms; what draws with a model of its own gets one process, unless more are asked for.
        scratch: folder for what is needed on the way.

    Raises:
        UserError: no such engine, or Ray is not installed.
    """
    kind, _, address = name.partition(":")
    if kind == "ray":
        return RayCluster(address)
    if name == "auto":
        count = _cores() if resolve(settings).generator == "patchwork" else 1
    else:
        try:
            count = int(name)
        except ValueError:
            count = 0
    if count < 1:
        raise UserError(f"--workers {name!r} is no number of processes; give auto, a number, ray or ray:ADDRESS")
    return ThisProcess(scratch) if count == 1 else Processes(count, scratch)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def evaluate(
    plan: Plan,
    folder: Path,
    workers: str = "auto",
    tell: Callable[[Progress], None] = lambda progress: None,
    note: Callable[[str], None] = lambda text: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> RunJournal:
    """Draw and measure what is not there yet, and return what there is.

    Args:
        plan: what is to be there in the end.
        folder: of the run, which is made if need be; an earlier run of the same goes on there.
        workers: see ``engine_of``.
        tell: is told how far it has come.
        note: is told what was left out, in words.
        is_cancelled: asked now and then whether to end.

    Raises:
        UserError: something that only a person can mend; what was drawn is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder):
        scratch = folder / SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            journal = RunJournal(folder, plan)
            if journal.damaged:
                note(f"{journal.damaged} broken lines in {str(folder)!r} are left out")
            for name in journal.measured_anew:
                note(f"{name} is measured again: the images there were judged by another version of its judge")
            tasks = journal.tasks()
            left = sum(len(task.left) for task in tasks)
            total = len(plan.suite.prompts) * len(plan.arms) * len(plan.seeds)
            done = total - left
            if done:
                note(f"{done} of {total} drawings are there from before")
            tell(Progress(done, total))
            if tasks:
                for text in notes_on_arms(plan):
                    note(text)
                engine = engine_of(workers, plan.settings, scratch)
                notes: Counter[str] = Counter()
                for message in engine.messages(plan, tasks, is_cancelled):
                    if message is None:
                        continue
                    if message.kind == "note":
                        notes[message.name] += message.value
                        continue
                    journal.enter(message)
                    if message.kind == "drawing":
                        done += 1
                        tell(Progress(done, total, message.value))
                for what, times in notes.items():
                    note(f"{what} ({times} times)" if times > 1 else what)
            return journal
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def notes_on_arms(plan: Plan) -> list[str]:
    """Return what a run of each arm tells of its parts and libraries as it begins, each once.

    Raises:
        UserError: an arm's parts don't go together, and nobody named them.
    """
    told: dict[str, list[str]] = {}
    for arm in plan.arms:
        components = Components(settings_of(arm, plan.settings))
        for text in dict.fromkeys((*components.settings.notes, *components.searchable[1])):
            told.setdefault(told_text(text), []).append(repr(arm.name))
    every = len(plan.arms)
    return [text if len(arms) == every else f"arm {', '.join(arms)}: {text}" for text, arms in told.items()]


def usable_in_full(name: str, settings: Settings) -> bool:
    """Tell whether an arm can be run where all are asked for: some need a model that sees images."""
    return name not in NEEDS_VLM or resolve(settings).vlm != "rules"
