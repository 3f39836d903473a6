"""Every parser and door, given what nobody would send: no crash, no hang, no more memory than an input may take.

Each target runs in a process of its own, so that one that dies is found, too. What hypothesis found is kept in a
folder, with how often each target was run, so that the next run begins with it and goes on.

python -m benchmarks.fuzz [--minutes 60] [--target NAME ...] [--folder DIR] [--engine atheris]
"""

import argparse
import json
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from testing.fuzz_doors import DOORS, close_doors
from testing.fuzz_files import FILES
from testing.fuzz_parsers import PARSERS
from testing.fuzzing import Target, execute
from testing.hangs import watched

TARGETS: dict[str, Target] = {target.name: target for target in (*PARSERS, *FILES, *DOORS)}
GUIDED: dict[str, Target] = {target.name: target for target in (*PARSERS, *FILES)}
"""Those that run in the process itself, so that what code an input reaches can be followed."""
ENGINES = ("hypothesis", "atheris")
ROUND = 100
"""Inputs between two looks at the clock."""


def _state(folder: Path, name: str) -> dict[str, Any]:
    file = folder / f"{name}.json"
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {"executions": 0, "seconds": 0.0, "findings": [], **kept}


def _keep(folder: Path, name: str, state: dict[str, Any]) -> None:
    beside = folder / f"{name}.part"
    beside.write_text(json.dumps(state, indent=1), encoding="utf-8")
    beside.replace(folder / f"{name}.json")


class Session:
    """A target that is given inputs, and what is kept of it in a folder.

    Args:
        target: what is run.
        folder: keeps the state, and the input that failed.

    Attributes:
        done: inputs that it was given, in this session.
        finding: the traceback that the target failed with; empty while it has not.
    """

    def __init__(self, target: Target, folder: Path) -> None:
        self._target = target
        self._folder = folder
        self._state = _state(folder, target.name)
        self._before = self._state["executions"]
        self._began = time.monotonic()
        self._seconds = self._state["seconds"]
        self._pending = folder / f"{target.name}.pending"
        self._database = DirectoryBasedExampleDatabase(folder / "examples")
        self.finding = ""

    @property
    def done(self) -> int:
        return int(self._state["executions"] - self._before)

    def run(self, data: Any) -> None:
        """Give the target one input."""
        self._pending.write_text(repr(data), encoding="utf-8", errors="replace")
        self._state["executions"] += 1
        execute(self._target, data)

    def test(self) -> Any:
        """Return a test of hypothesis that gives the target a round of inputs."""
        return settings(
            max_examples=ROUND,
            database=self._database,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.reuse, Phase.generate, Phase.shrink),
            verbosity=Verbosity.quiet,
            print_blob=False,
            report_multiple_bugs=False,
        )(seed(self._state["executions"])(given(self._target.inputs)(self.run)))

    def one_input(self) -> Callable[[bytes], object]:
        """Return what gives the target the input that hypothesis makes of some bytes."""
        test: Any = self.test()
        fuzz_one_input: Callable[[bytes], object] = test.hypothesis.fuzz_one_input
        return fuzz_one_input

    def failed(self) -> None:
        """Keep what is being raised, and the input that it came of."""
        self.finding = traceback.format_exc()[-6000:]
        if self._pending.exists():  # or else the target itself is wrong
            self._pending.replace(self._folder / f"{self._target.name}.failed")
        self.keep()

    def keep(self) -> None:
        """Keep what was done."""
        self._state["seconds"] = self._seconds + time.monotonic() - self._began
        self._state["findings"] = [self.finding] if self.finding else []
        _keep(self._folder, self._target.name, self._state)

    def end(self) -> None:
        """Keep what was done, and that no input is being looked at."""
        self._pending.unlink(missing_ok=True)
        self.keep()


def fuzz(target: Target, seconds: float, folder: Path) -> int:
    """Run a target for so long, or until it fails; return the number of inputs that it was given."""
    until = time.monotonic() + seconds
    session = Session(target, folder)
    try:
        for data in target.known:
            session.run(data)
        while time.monotonic() < until:
            session.test()()
    except Exception:
        session.failed()
    session.end()
    return session.done


def _in_process_of_its_own(name: str, seconds: float, folder: Path, engine: str) -> None:
    command = [sys.executable, "-m", "benchmarks.fuzz", "--folder", str(folder), "--alone", name, str(seconds)]
    if engine == "atheris":
        command = [sys.executable, "-m", "benchmarks.fuzz_guided", name, str(seconds), str(folder)]
    why = watched(command, folder / f"{name}.pending")
    state = _state(folder, name)
    if why and not state["findings"]:
        state["findings"] = [why]
        _keep(folder, name, state)


def run_all(minutes: float, names: Sequence[str], folder: Path, engine: str = "hypothesis") -> int:
    """Run targets for so many minutes in all, print a line for each, and return how many failed."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    print(f"{'target':18} {'inputs':>9} {'minutes':>8}  found")
    for name in names:
        _in_process_of_its_own(name, minutes * 60 / len(names), folder, engine)
        state = _state(folder, name)
        failed += bool(state["findings"])
        found = state["findings"][0].strip().splitlines()[-1][:150] if state["findings"] else "nothing"
        print(f"{name:18} {state['executions']:9,} {state['seconds'] / 60:8.1f}  {found}", flush=True)
    return failed


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz")
    parser.add_argument("--minutes", type=float, default=60.0, help="in all")
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="may be given more than once")
    parser.add_argument("--folder", type=Path, help="keeps what was found; give it again to go on")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="atheris is guided by coverage")
    parser.add_argument("--alone", nargs=2, metavar=("NAME", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    # An end that is asked for is an exception, so that the target's process is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if options.alone:
        try:
            fuzz(TARGETS[options.alone[0]], float(options.alone[1]), options.folder)
        finally:
            close_doors()
        return
    there = GUIDED if options.engine == "atheris" else TARGETS
    if strange := [name for name in options.target or () if name not in there]:
        parser.error(f"--engine atheris takes no server such as {strange[0]!r}; valid: {', '.join(there)}")
    if options.engine == "atheris" and find_spec("atheris") is None:
        parser.error("--engine atheris needs 'atheris', which is not installed; run: pip install 'imagerag[fuzz]'")
    with tempfile.TemporaryDirectory() as temporary:
        names, folder = options.target or list(there), options.folder or Path(temporary)
        failed = run_all(options.minutes, names, folder, options.engine)
    print(f"{failed} of the targets failed   (wanted 0)")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
