"""The job queue: one bounded queue in front of the engine, with fair turns between clients."""

import logging
import math
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import zip_longest
from typing import Literal

from imagerag.interruptible import ENGINE

JobState = Literal["waiting", "running", "done"]
Work = Callable[["Job"], None]


def _over(job: "Job") -> None:
    """Stand in for work that is done: what that held, a client's pictures among it, is let go."""


FIRST_GUESS = 10.0
"""Seconds that a job is taken to last until one has been measured."""
MEASURED = 20
"""Jobs over which the usual duration is averaged."""
KNOWN = 256
"""Clients that are remembered for having been served; of more, the one served longest ago is forgotten."""

ASK_AGAIN = 0.1
"""Seconds after which work that could not begin yet is tried again."""

_log = logging.getLogger(__name__)


class QueueFull(Exception):
    """The queue is full; nothing was taken in.

    Attributes:
        waiting: jobs in the queue, of this client if it has used up its own share, else of all.
        retry_after: seconds, at least 1, after which a place should be free.
    """

    def __init__(self, waiting: int, retry_after: int, *, own: bool) -> None:
        whose = "of yours " if own else ""
        super().__init__(f"busy: {waiting} requests {whose}are waiting already; try again in about {retry_after} s")
        self.waiting = waiting
        self.retry_after = retry_after


class NotYet(Exception):
    """Raised by work that can't begin yet: its job gives the worker back, and waits for its turn once more."""


class Job:
    """One piece of work in the queue.

    Attributes:
        client: whose turn it takes.
        conversation: no two jobs of one conversation run at once (a conversation is a thread of conversation).
        cancelled: set once the job is to stop; the work looks at it between denoising steps.
        finished: set when the work is over, or was cancelled before it began.
        not_before: time (``time.monotonic``) until which its work is not tried again.
    """

    def __init__(
        self, client: str, conversation: str, work: Work, on_end: Callable[["Job"], None] | None = None
    ) -> None:
        self.client = client
        self.conversation = conversation
        self.work = work
        self.on_end = on_end
        self.state: JobState = "waiting"
        self.cancelled = threading.Event()
        self.finished = threading.Event()
        self.began = 0.0
        self.not_before = 0.0


class JobQueue:
    """Runs jobs on a fixed number of threads, one client after the other.

    Clients take turns: of those that wait, the one served longest ago comes first, whatever the others have queued.
    Where no token is needed a program may call itself a new client with each request. So that it can't shut the others
    out, clients that have been served before take turns with those that have not, however many those are; and of the
    places, the last quarter is for clients of which nothing waits, half of it for such that have been served.

    Args:
        workers: jobs that run at once. One drawing already uses the machine; more than one pays off only where the
            generator waits for something else.
        max_waiting: jobs that may wait in all.
        max_per_client: jobs of one client that may wait.
    """

    def __init__(self, workers: int = 1, max_waiting: int = 64, max_per_client: int = 8) -> None:
        self._max_waiting = max_waiting
        self._max_per_client = max_per_client
        self._workers = workers
        self._threads: list[threading.Thread] = []
        self._queues: OrderedDict[str, deque[Job]] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._strangers_turn = False
        self._running: set[Job] = set()
        self._durations: deque[float] = deque(maxlen=MEASURED)
        self._closed = False
        self._change = threading.Condition()

    def submit(
        self, client: str, work: Work, conversation: str = "", on_end: Callable[[Job], None] | None = None
    ) -> Job:
        """Queue a piece of work and return at once.

        Args:
            client: whose turn it takes.
            work: called with its job on a thread of the queue; it keeps its own result and its own errors. It may raise
                ``NotYet`` as long as it has begun nothing, and is called again.
            conversation: no two jobs of one conversation run at once; a conversation of its own unless given.
            on_end: called when a job ends without having begun, from the thread that cancelled it.

        Raises:
            Busy: the queue is full, or this client's share of it.
            RuntimeError: the queue is closed.
        """
        job = Job(client, conversation or secrets.token_hex(8), work, on_end)
        with self._change:
            if self._closed:
                raise RuntimeError("the job queue is closed")
            own = len(self._queues.get(client, ()))
            waiting = sum(len(queue) for queue in self._queues.values())
            if own >= self._max_per_client:
                raise QueueFull(own, self._seconds_until(own), own=True)
            if waiting >= self._places_for(client, own):
                raise QueueFull(waiting, self._seconds_until(waiting), own=False)
            self._queues.setdefault(client, deque()).append(job)
            if len(self._threads) < self._workers:
                thread = threading.Thread(target=self._serve, name=f"{ENGINE}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._change.notify()
        return job

    def cancel(self, job: Job) -> None:
        """Stop a job: one that waits leaves the queue at once, one that runs stops at its next denoising step."""
        with self._change:
            job.cancelled.set()
            queue = self._queues.get(job.client)
            if job.state != "waiting" or queue is None or job not in queue:
                return
            queue.remove(job)
            if not queue:
                del self._queues[job.client]
            job.state = "done"
        if job.on_end:
            job.on_end(job)
        job.finished.set()

    def position(self, job: Job) -> int:
        """Return how many jobs come before this one; 0 when it runs or has ended."""
        with self._change:
            if job.state != "waiting":
                return 0
            return self._turns().index(job) + len(self._running)

    def waiting(self) -> int:
        """Return how many jobs wait."""
        with self._change:
            return sum(len(queue) for queue in self._queues.values())

    def cancel_all(self) -> None:
        """Cancel everything, and take nothing more."""
        with self._change:
            self._closed = True
            jobs = [*self._running, *(job for queue in self._queues.values() for job in queue)]
        for job in jobs:
            self.cancel(job)

    def close(self, seconds: float = 5.0) -> None:
        """Cancel everything and let the threads end; a job that does not look at its flag is left behind."""
        self.cancel_all()
        with self._change:
            self._change.notify_all()
        for thread in self._threads:
            thread.join(seconds)

    def _turns(self) -> list[Job]:
        """Return the waiting jobs in the order in which their turns come."""
        order: list[Job] = []
        queues = [list(queue) for queue in self._queues.values()]
        for depth in range(max(map(len, queues), default=0)):
            order += [queue[depth] for queue in queues if depth < len(queue)]
        known = [job for job in order if job.client in self._known]
        strange = [job for job in order if job.client not in self._known]
        pair = (strange, known) if self._strangers_turn else (known, strange)
        return [job for turn in zip_longest(*pair) for job in turn if job is not None]

    def _places_for(self, client: str, own: int) -> int:
        """Return how many jobs may wait for one of this client's to be taken in, of which so many wait already."""
        kept = self._max_waiting // 4
        if own:
            return self._max_waiting - kept
        if client in self._known:
            return self._max_waiting
        to_come = sum(known not in self._queues for known in self._known)
        return self._max_waiting - min(kept // 2, to_come)

    def _remember(self, client: str) -> None:
        self._known[client] = None
        self._known.move_to_end(client)
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)

    def _take(self) -> Job | None:
        """Take the next job whose conversation is free; its client goes to the end of the line."""
        conversations = {job.conversation for job in self._running}
        now = time.monotonic()
        for job in self._turns():
            if job.conversation not in conversations and job.not_before <= now:
                queue = self._queues[job.client]
                queue.remove(job)
                self._queues.move_to_end(job.client)
                if not queue:
                    del self._queues[job.client]
                self._strangers_turn = job.client in self._known
                job.state = "running"
                job.began = time.monotonic()
                self._running.add(job)
                return job
        return None

    def _serve(self) -> None:
        while True:
            with self._change:
                while (job := self._take()) is None:
                    if self._closed:
                        return
                    self._change.wait(self._next_look())
            try:
                job.work(job)
            except NotYet:
                self._put_back(job)
                continue
            except BaseException:
                # The work keeps its own errors; one that escapes is a defect, and must not take the queue down: not
                # even a package's SystemExit, or a panic of Chroma's, which is no Exception.
                _log.exception("a job of the job queue failed")
            self._end(job)

    def _end(self, job: Job) -> None:
        job.work = _over
        with self._change:
            self._running.discard(job)
            job.state = "done"
            if not job.cancelled.is_set():
                self._durations.append(time.monotonic() - job.began)
                if job.client not in self._queues:  # one that has more waiting keeps its place in line
                    self._remember(job.client)
            self._change.notify_all()
        job.finished.set()

    def _put_back(self, job: Job) -> None:
        """Let a job that could not begin wait again, its client in the place in line that it had."""
        with self._change:
            self._running.discard(job)
            job.not_before = time.monotonic() + ASK_AGAIN
            job.state = "waiting"
            self._queues.setdefault(job.client, deque()).appendleft(job)
            self._queues.move_to_end(job.client, last=False)
            self._strangers_turn = job.client not in self._known
            self._change.notify_all()
        if job.cancelled.is_set():  # while it was tried
            self.cancel(job)

    def _next_look(self) -> float | None:
        """Return the seconds until the next one of those that could not begin is tried again."""
        now = time.monotonic()
        waits = [job.not_before - now for queue in self._queues.values() for job in queue if job.not_before > now]
        return min(waits, default=None)

    def _seconds_until(self, waiting: int) -> int:
        usual = sum(self._durations) / len(self._durations) if self._durations else FIRST_GUESS
        return max(1, math.ceil(usual * max(1, waiting) / self._workers))
