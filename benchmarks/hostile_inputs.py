"""One client sends the worst input of a kind, over and over, while another draws: how much longer the other waits.

Each kind beside the drawing alone, in turn, so that both see the same machine; and the memory above idle at the peak of
one request. The attacker keeps ``CONNECTIONS`` connections busy. What came back is told with how often it did: an input
that was turned away before it got to where it is dangerous counts as missed.

python -m benchmarks.hostile_inputs [--list] [--memory] [KIND ...]
"""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx

from benchmarks.hostile_kinds import FILE_KINDS, GUESSED_AT, KINDS, OTHER, TOKEN, Attacker, FileKind, GivenUp, Kind
from testing.mixed_load import Client
from testing.server_process import Shown, running_server

ROUNDS = 3
"""Drawings alone, and as many beside the input, in turn."""
CONNECTIONS = 4
"""Of the attacker."""
MOST_TIMES = 2.0
"""Of the other's latency alone."""
MOST_MEMORY = 512
"""MiB above idle."""
PAUSE = 0.02
"""Seconds between two of the same input: a client that is refused at once tries again."""


class Measured(NamedTuple):
    """What was seen of a kind.

    Attributes:
        alone, beside: medians of the other's seconds.
        memory: MiB above idle at the peak of one.
        answers: what came back, and how often.
        reached: whether all of it shows that the input got there.
    """

    alone: float
    beside: float
    memory: float
    answers: Counter[int | str]
    reached: bool


def drawing(shown: Shown, seed: int) -> float:
    """Return the seconds that a client with a key of its own waits for a picture."""
    body = {"model": "imagerag", "prompt": "a lobster in a kimono", "seed": seed, "imagerag": {"max_generations": 2}}
    began = time.perf_counter()
    key = {"authorization": f"Bearer {OTHER}"}
    answer = httpx.post(f"{shown.url}/v1/images/generations", json=body, headers=key, timeout=300)
    answer.raise_for_status()
    return time.perf_counter() - began


def memory(pid: int) -> float:
    """Return MiB that a process holds."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1024


@contextlib.contextmanager
def meanwhile(step: Callable[[], None], pause: float) -> Iterator[None]:
    """Do something again and again on a thread of its own, with so many seconds between."""
    over = threading.Event()

    def repeat() -> None:
        while not over.is_set():
            step()
            over.wait(pause)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def watching(pid: int) -> Iterator[list[float]]:
    """Note the highest MiB that a process holds meanwhile."""
    most = [memory(pid)]

    def watch() -> None:
        most[0] = max(most[0], memory(pid))

    with meanwhile(watch, 0.01):
        yield most


def _sent(kind: Kind, attacker: Attacker, answers: Counter[int | str]) -> None:
    try:
        answers[kind.send(attacker)] += 1
    except GivenUp:
        pass
    except (httpx.HTTPError, OSError) as error:
        answers[type(error).__name__] += 1


def measure(kind: Kind, *, rounds: int) -> Measured:
    """Send a kind of input to a server of its own, once alone and then beside another's drawings."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        place = Path(folder)
        (place / GUESSED_AT).write_text(f"{TOKEN}\n{OTHER}\n", encoding="ascii")
        arguments = [str(place / one) if one == GUESSED_AT else one for one in kind.arguments]
        shown = stack.enter_context(running_server(*arguments))
        for seed in range(1, 4):
            drawing(shown, seed)
        image = _prepared(shown)
        attackers = [Attacker(shown.url, image, place) for _ in range(CONNECTIONS)]
        answers: Counter[int | str] = Counter()
        idle = memory(shown.pid)
        with watching(shown.pid) as most:
            _sent(kind, attackers[0], answers)
        alone, beside = [], []
        for seed in range(rounds):
            alone.append(drawing(shown, 100 + seed))
            with contextlib.ExitStack() as attack:
                for attacker in attackers:
                    attack.enter_context(meanwhile(lambda one=attacker: _sent(kind, one, answers), PAUSE))  # type: ignore[misc]
                beside.append(drawing(shown, 200 + seed))
                for attacker in attackers:
                    attacker.over.set()
            for attacker in attackers:
                attacker.over.clear()
    return Measured(
        statistics.median(alone or [0.0]),
        statistics.median(beside or [0.0]),
        most[0] - idle,
        answers,
        set(answers) <= kind.reaches,
    )


def _prepared(shown: Shown) -> str:
    """Make what the attacker aims at, an image in a thread of its own, and return the image's id."""
    client = Client(shown.url, TOKEN)
    with client.session() as session:
        made = session.call("create_image", prompt="an owl", thread="attacked", max_generations=1)
    client.close()
    return str(re.sub(r".*/", "", made["image"]["uri"]))


def measure_file(kind: FileKind, *, rounds: int) -> Measured:
    """Let a command meet a kind of input, once alone and then beside another's drawings."""
    answers: Counter[int | str] = Counter()

    def again() -> None:
        _peak(bad, Path(folder), answers, kind.says)

    with (
        tempfile.TemporaryDirectory() as folder,
        kind.prepare(Path(folder)) as (bad, plain),
        running_server() as shown,
    ):
        for seed in range(1, 4):
            drawing(shown, seed)
        peaks = [_peak(plain, Path(folder), Counter(), ""), _peak(bad, Path(folder), answers, kind.says)]
        alone, beside = [], []
        for seed in range(rounds):
            alone.append(drawing(shown, 100 + seed))
            with meanwhile(again, PAUSE):
                beside.append(drawing(shown, 200 + seed))
    return Measured(
        statistics.median(alone or [0.0]),
        statistics.median(beside or [0.0]),
        peaks[1] - peaks[0],
        answers,
        set(answers) == {kind.says},
    )


def _peak(arguments: list[str], place: Path, answers: Counter[int | str], says: str) -> float:
    """Run a command, count what it has said, and return the MiB that it held at most."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace", dir=place) as log:
        command = [sys.executable, "-m", "imagerag", *arguments, "--home", str(place / "home")]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        told = log.read().strip()
    answers[says if says in told else told[-120:]] += 1
    return used.ru_maxrss / 1024


def main() -> None:
    """Print a line for each kind, and what was reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile_inputs")
    parser.add_argument("kind", nargs="*", help="of those that --list prints; all of them unless given")
    parser.add_argument("--list", action="store_true", help="print the kinds")
    parser.add_argument("--results", type=Path, help="file that a line of JSON is added to for each")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="drawings alone and beside it (default: %(default)s)"
    )
    parser.add_argument("--memory", action="store_true", help="measure the memory alone")
    options = parser.parse_args()
    everything: list[Kind | FileKind] = [*KINDS, *FILE_KINDS]
    kinds = {one.name: one for one in everything}
    if strange := [name for name in options.kind if name not in kinds]:
        parser.error(f"there is no kind {strange[0]!r}; valid: {', '.join(kinds)}")
    if options.list:
        for one in kinds.values():
            print(f"{one.name}: {one.about}")
        return
    missed = 0
    print(f"{'input':18} {'alone':>7} {'beside':>7} {'times':>6} {'MiB':>6}  answers")
    for name in options.kind or kinds:
        kind = kinds[name]
        if isinstance(kind, Kind):
            seen = measure(kind, rounds=0 if options.memory else options.rounds)
        else:
            seen = measure_file(kind, rounds=0 if options.memory else options.rounds)
        times = seen.beside / seen.alone if seen.alone else 0.0
        held = times <= MOST_TIMES and seen.memory <= MOST_MEMORY and seen.reached
        missed += not held
        answers = ", ".join(f"{count} x {answer}" for answer, count in seen.answers.items())
        print(
            f"{name:18} {seen.alone:6.2f}s {seen.beside:6.2f}s {times:6.2f} {seen.memory:6.0f}  {answers}"
            f"{'' if held else '  MISSED'}{'' if seen.reached else ': not where it aims'}",
            flush=True,
        )
        if options.results is not None:
            beside = round(times, 2) if times else "not yet"  # where the memory alone was measured
            entry = {"name": name, "times": beside, "MiB": max(0, round(seen.memory)), "answers": answers}
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
    print(f"wanted: at most {MOST_TIMES:.0f} times and {MOST_MEMORY} MiB; missed: {missed}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
