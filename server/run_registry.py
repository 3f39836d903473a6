"""The runs of a process: those under way, those that ask the person, and the last that have ended.

What a run has told is kept in the database when it ends, for a page that is loaded again, and when it asks, for a
process to come.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import asdict
from typing import Any

from imagerag.errors import UserError
from imagerag.server.database import Database, RunLog
from imagerag.server.database_file import readable
from imagerag.server.job_queue import QueueFull
from imagerag.server.offers import PartChoice
from imagerag.server.run import Run, RunRequest

MAX_RUNS = 500
"""Ended runs that are remembered, over all clients; clients ask for those they started and did not wait for."""

MAX_QUESTIONS = 8
"""Runs of one client that may ask about their redraws and have not ended: each is kept until it is answered."""

MAX_QUESTIONS_OF_ALL = 200

QUESTIONS_KEPT = 30 * 24 * 3600.0
"""Seconds for which an open question is taken up again by a new process."""

KEPT = ("checkpoint", "seed", "n", "mode", "limits", "size", "approve")
"""What is kept of an ``RunRequest`` whose run asks; its pictures are in the thread by then."""

SINCE = ("size",)
"""What earlier versions did not keep yet."""


class RunRegistry:
    """Knows the runs by their ids.

    Args:
        database: where what they tell is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._lock = threading.Lock()

    def enter(self, run: Run) -> None:
        """Remember a run; of the ended ones, the oldest is forgotten where they are too many."""
        with self._lock:
            self._runs[run.id] = run
            while len(self._runs) > MAX_RUNS:
                oldest = next((key for key, old in self._runs.items() if old.wait(0)), None)
                if oldest is None:
                    break
                del self._runs[oldest]

    def find(self, run_id: str) -> Run | None:
        """Return the run of that id, while it is remembered."""
        with self._lock:
            return self._runs.get(run_id)

    def forget(self, client: str, thread: str) -> None:
        """Forget the ended runs of a conversation that was deleted: telling them again would enter its images anew."""
        with self._lock:
            for key, run in list(self._runs.items()):
                if (run.client, run.thread) == (client, thread) and run.wait(0):
                    del self._runs[key]

    def under_way(self) -> list[Run]:
        """Return the runs that have not ended, those that ask included, in the order in which they were begun."""
        with self._lock:
            runs = list(self._runs.values())
        return [run for run in runs if not run.wait(0)]

    def admit(self, run: Run) -> None:
        """Refuse a turn of a conversation that waits for the person's word, and more runs than can be asked about.

        Raises:
            Busy: others have so many runs that may ask.
            UserError: the person has to answer, or to stop one, first.
        """
        others = self.under_way()
        if any((one.client, one.thread) == (run.client, run.thread) and one.asking is not None for one in others):
            raise UserError(
                f"conversation {run.thread!r} waits for your word on a redraw; answer that or stop it, or begin another"
            )
        if run.ask is None or not run.ask.approve:
            return
        may_ask = [other for other in others if other.ask is not None and other.ask.approve]
        own = sum(other.client == run.client for other in may_ask)
        if own >= MAX_QUESTIONS:
            raise UserError(f"{own} runs of yours may ask about a redraw already; answer or stop one of them first")
        if len(may_ask) >= MAX_QUESTIONS_OF_ALL:
            raise QueueFull(len(may_ask), retry_after=60, own=False)

    def keep(self, run: Run, asks: bool) -> None:
        """Keep what the run has told, now that it asks or has ended; nothing of one that has begun no turn."""
        if run.turn is None or run.ask is None or (asks and run.asking is None):  # answered already: it goes on
            return
        told: dict[str, Any] = {"request": run.request, "events": list(run.events)}
        told |= {"choice": asdict(run.ask.choice), "parts": run.parts}
        if asks:
            told |= {name: getattr(run.ask, name) for name in KEPT} | {"asking": run.asking}
        else:
            told |= {
                "stop_reason": run.output["stop_reason"] if run.output else None,
                "seconds": run.output["seconds"] if run.output else 0.0,
                "error": run.failure,
            }
        self._database.keep(RunLog(run.id, run.client, run.thread, run.turn, asks, told, time.time()))

    def take_up(self) -> None:
        """Enter the runs whose questions an earlier process has left open."""
        asking = self._database.asking(time.time() - QUESTIONS_KEPT)
        for run in readable([(one.id, one) for one in asking], lambda row: _taken_up(row[1]), "the run that asks"):
            self.enter(run)


def _taken_up(run_log: RunLog) -> Run:
    """Return the run of which an earlier process has left this."""
    told = run_log.told
    kept = {name: told[name] for name in KEPT if name in told or name not in SINCE}
    choice = PartChoice(**told.get("choice", {}))
    ask = RunRequest(str(told["request"]), thread=run_log.thread, choice=choice, **kept)
    run = Run(run_log.client, run_log.thread, ask)
    run.id, run.turn = run_log.id, run_log.turn
    run.parts = told.get("parts", {})
    arguments, since = told["asking"]
    run.asking = (dict(arguments), float(since))
    for event in told["events"]:
        run.tell(event)
    return run
