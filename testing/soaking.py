"""A server under mixed load: its memory, handles, threads and data, sampled, and what comes of the samples.

What was measured is kept in a folder, so that a run that was broken off goes on where it was; each start of the server
has a warm-up and a slope of its own.
"""

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from testing.mixed_load import KINDS, Client, Refused, Wrong
from testing.server_process import Shown, running_server

MOST_MORE = 8
"""Handles and threads at the end above those after the warm-up: what happens to be under way at that moment."""
WARM_UP = 0.25
"""Of a server's time, at most ``LONGEST_WARM_UP``."""
DRAWN = 6
"""Drawings that the warm-up has at least: until then models are loaded and pools filled."""
LONGEST_WARM_UP = 300.0
"""Seconds."""
_NORMAL_95 = 1.96
"""Standard errors on either side of a mean that hold 95 % of a normal distribution."""


class Sample(NamedTuple):
    """The state of a server at a moment.

    Attributes:
        part: which start of the server.
        seconds: since that start.
        memory: MiB resident.
        handles, threads: open.
        runs: drawings that were finished since the folder was new.
        images, checkpoints, database, indexes: bytes of the data directory by kind.
    """

    part: int
    seconds: float
    memory: float
    handles: int
    threads: int
    runs: int
    images: int
    checkpoints: int
    database: int
    indexes: int


KINDS_OF_DATA = ("images", "checkpoints", "database", "indexes")


def sample(shown: Shown, home: Path, part: int, seconds: float, runs: int) -> Sample:
    """Return the state of a server now."""
    status = Path(f"/proc/{shown.pid}/status").read_text(encoding="utf-8")
    told = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    handles = len(list(Path(f"/proc/{shown.pid}/fd").iterdir()))
    memory = int(told["VmRSS"].split()[0]) / 1024
    return Sample(part, seconds, memory, handles, int(told["Threads"]), runs, *bytes_by_kind(home))


def bytes_by_kind(home: Path) -> tuple[int, int, int, int]:
    """Return the bytes of images, checkpoints, the servers' database, and all else, which is the index.

    SQLite's logs are left out: they grow to 4 MiB each, whatever is written, before they are used again.
    """
    sizes: Counter[str] = Counter()
    for file in home.rglob("*"):
        if file.name.endswith(("-wal", "-shm")):
            continue
        name = file.relative_to(home).parts[0]
        kind = "checkpoints" if name.startswith("threads.sqlite") else "database" if ".sqlite" in name else name
        try:
            sizes[kind if kind in KINDS_OF_DATA else "indexes"] += file.lstat().st_size if file.is_file() else 0
        except FileNotFoundError:  # renamed or removed meanwhile
            continue
    return sizes["images"], sizes["checkpoints"], sizes["database"], sizes["indexes"]


class Record:
    """What was measured, kept in a file.

    Args:
        folder: of the file.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "soak.json"
        self._lock = threading.Lock()
        kept: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8")) if self._file.exists() else {}
        self.samples = [Sample(*one) for one in kept.get("samples", ())]
        self.done: Counter[str] = Counter(kept.get("done", {}))
        self.errors: list[str] = kept.get("errors", [])
        self.runs: int = kept.get("runs", 0)

    @property
    def seconds(self) -> float:
        """How long servers ran so far."""
        parts = itertools.groupby(self.samples, lambda one: one.part)
        return sum(max(one.seconds for one in samples) for _, samples in parts)

    def ended(self, kind: str, runs: int, error: str = "") -> None:
        """Count one piece of the load, the drawings that it finished, and what went wrong with it."""
        with self._lock:
            self.done[kind] += 1
            self.runs += runs
            if error:
                self.errors.append(f"{kind}: {error}"[:500])

    def keep(self, one: Sample) -> None:
        """Add a sample, and write all to the file."""
        self.samples.append(one)
        self.save()

    def save(self) -> None:
        """Write all to the file."""
        with self._lock:
            kept = {"samples": self.samples, "done": self.done, "errors": self.errors, "runs": self.runs}
            beside = self._file.with_suffix(".part")
            beside.write_text(json.dumps(kept), encoding="utf-8")
            beside.replace(self._file)


class Figures(NamedTuple):
    """What came of it.

    Attributes:
        slope: MiB a minute of the longest part, least squares after its warm-up.
        either_way: half of the slope's 95 % interval, from the means of whole minutes, since samples that follow each
            other are alike; not a number where there are fewer than four.
        handles, threads: after the warm-up and at the end: the least of the three samples there.
        growth: bytes that each kind of data has grown by for each finished drawing, after the warm-up.
        bend: of each kind, the growth in the second half divided by that in the first; 1 is linear.
    """

    slope: float
    either_way: float
    handles: tuple[int, int]
    threads: tuple[int, int]
    growth: dict[str, float]
    bend: dict[str, float]


def figures(samples: Sequence[Sample]) -> Figures:
    """Return the figures of the part of which there are most samples.

    Raises:
        ValueError: fewer than four samples lie after its warm-up.
    """
    longest = Counter(one.part for one in samples).most_common(1)[0][0] if samples else 0
    part = [one for one in samples if one.part == longest]
    begin = min(LONGEST_WARM_UP, WARM_UP * part[-1].seconds) if part else 0.0
    warm = [one for one in part if one.seconds >= begin and one.runs >= part[0].runs + DRAWN]
    if len(warm) < 4:
        raise ValueError(f"only {len(warm)} samples after the warm-up; let it run for longer")
    slope, _ = np.polyfit([one.seconds / 60 for one in warm], [one.memory for one in warm], 1)
    middle = warm[len(warm) // 2]
    growth, bend = {}, {}
    for kind in KINDS_OF_DATA:
        growth[kind] = _growth(warm[0], warm[-1], kind)
        first, second = _growth(warm[0], middle, kind), _growth(middle, warm[-1], kind)
        bend[kind] = second / first if first else float("nan")
    handles = min(one.handles for one in warm[:3]), min(one.handles for one in warm[-3:])
    threads = min(one.threads for one in warm[:3]), min(one.threads for one in warm[-3:])
    return Figures(float(slope), _either_way(warm), handles, threads, growth, bend)


def _either_way(samples: Sequence[Sample]) -> float:
    """Return half of the 95 % interval of the slope, in MiB a minute."""
    minutes = [list(group) for _, group in itertools.groupby(samples, lambda one: one.seconds // 60)]
    if len(minutes) < 4:
        return float("nan")
    at = np.array([np.mean([one.seconds / 60 for one in minute]) for minute in minutes])
    memory = np.array([np.mean([one.memory for one in minute]) for minute in minutes])
    rest = memory - np.polyval(np.polyfit(at, memory, 1), at)
    error = np.sqrt(np.sum(rest**2) / (len(at) - 2) / np.sum((at - at.mean()) ** 2))
    return float(_NORMAL_95 * error)


def _growth(first: Sample, last: Sample, kind: str) -> float:
    return (_bytes(last)[kind] - _bytes(first)[kind]) / max(1, last.runs - first.runs)


def _bytes(one: Sample) -> dict[str, int]:
    return dict(zip(KINDS_OF_DATA, (one.images, one.checkpoints, one.database, one.indexes), strict=True))


@contextmanager
def load(shown: Shown, record: Record, clients: int) -> Iterator[None]:
    """Let clients send one piece of the load after the other meanwhile; each begins with another kind."""
    over = threading.Event()

    def send(number: int) -> None:
        client = Client(shown.url, f"client-{number}")
        kinds = itertools.cycle(KINDS[(number * len(KINDS)) // clients :] + KINDS[: (number * len(KINDS)) // clients])
        for kind in kinds:
            if over.is_set():
                break
            error, before = "", client.runs
            try:
                kind(client)
            except Refused:
                over.wait(1.0)
            except Wrong as wrong:
                error = str(wrong)
            record.ended(kind.__name__, client.runs - before, error)
        client.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def soak(minutes: float, folder: Path, clients: int = 3, every: float = 10.0) -> Record:
    """Run a server under load until there are so many minutes in the folder's record, and return that.

    Args:
        every: seconds between two samples.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = Record(folder)
    missing = minutes * 60 - record.seconds
    if missing <= 0:
        return record
    part = 1 + max((one.part for one in record.samples), default=0)
    home = folder / "home"
    try:
        with running_server("--max-waiting", "20", home=home) as shown:
            began = time.monotonic()
            with load(shown, record, clients):
                for number in itertools.count(1):
                    time.sleep(max(0.0, min(number * every, missing) - (time.monotonic() - began)))
                    seconds = time.monotonic() - began
                    one = sample(shown, home, part, seconds, record.runs)
                    record.keep(one)
                    if number % 6 == 1:
                        print(
                            f"{seconds / 60:6.1f} min {one.memory:7.1f} MiB {one.handles:4} handles {one.threads:4} "
                            f"threads {one.runs:6} drawn {len(record.errors):4} errors",
                            flush=True,
                        )
                    if seconds >= missing:
                        break
    finally:
        record.save()  # with what was under way at the last sample, or when it was broken off
    return record
