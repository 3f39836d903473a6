"""Hangs, told from a busy machine."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from testing import hangs
from testing.fuzz_parsers import PARSERS
from testing.fuzzing import Hung, Target, execute
from testing.hangs import waited_for_processor, watched

SLEEPS = [sys.executable, "-c", "import time; time.sleep(100)"]
BEGINS_INPUTS = """
import pathlib, sys, time
for number in range(6):
    time.sleep(0.3)
    pathlib.Path(sys.argv[1]).write_text(str(number))
sys.exit(3)
"""


def test_a_process_without_new_inputs_hangs(tmp_path: Path) -> None:
    assert "hung: no new input in 0.1 s" in watched(SLEEPS, tmp_path / "t.pending", quiet=0.1)


def test_one_that_begins_inputs_does_not(tmp_path: Path) -> None:
    """However long it takes in all; and what it ended with is told."""
    pending = tmp_path / "t.pending"
    assert watched([sys.executable, "-c", BEGINS_INPUTS, str(pending)], pending, quiet=1.5).startswith(
        "the process died (3)"
    )


def test_what_nobody_watches_any_more_is_not_left_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(file: Path) -> int:
        raise SystemExit

    monkeypatch.setattr(hangs, "_changed", end)
    with pytest.raises(SystemExit):
        watched(SLEEPS, tmp_path / "t.pending")
    assert not [child for child in psutil.Process().children() if "time.sleep(100)" in " ".join(child.cmdline())]


def test_a_process_that_others_keep_waiting_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at load 8, where nothing but imports was done in two minutes: it gets the time that it was kept from."""
    monkeypatch.setattr(hangs, "waited_for_processor", lambda process: time.monotonic())  # all the time
    ends = [sys.executable, "-c", "import time; time.sleep(2)"]
    assert watched(ends, tmp_path / "t.pending", quiet=0.1) == ""


def test_an_input_is_given_the_time_that_others_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(given: object) -> None:
        time.sleep(1)

    target = Target("sleep", PARSERS[0].inputs, sleep, seconds=0.03)
    with pytest.raises(Hung):
        execute(target, None)
    monkeypatch.setattr(hangs, "waited_for_processor", lambda process: time.monotonic())
    execute(target, None)


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the kernel does not tell who waits")
def test_the_kernel_tells_who_waits() -> None:
    """Two processes on one processor: each waits while the other has it."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # inherited
    code = "while True: pass"
    both = [os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", code]) for _ in range(2)]
    try:
        while waited_for_processor(both[0]) < 0.2:
            time.sleep(0.1)
    finally:
        os.sched_setaffinity(0, cores)
        for one in both:
            os.kill(one, 9)
            os.waitpid(one, 0)
