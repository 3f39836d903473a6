"""Every parser and door, given what nobody would send: no crash, no hang, no more memory than an input may take.

Each target runs in a process of its own, so that one that dies is found, too. What hypothesis found is kept in a
folder, with how often each target was run, so that the next run begins with it and goes on.

python -m benchmarks.fuzz [--minutes 60] [--target NAME ...] [--folder DIR]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from testing.fuzz_doors import DOORS, close_doors
from testing.fuzz_files import FILES
from testing.fuzz_parsers import PARSERS
from testing.fuzzing import Target, execute

TARGETS: dict[str, Target] = {target.name: target for target in (*PARSERS, *FILES, *DOORS)}
ROUND = 100
"""Inputs between two looks at the clock."""
MORE_TIME = 120.0
"""Seconds that a target's process may take beyond its time before it counts as hung."""


def _state(folder: Path, name: str) -> dict[str, Any]:
    file = folder / f"{name}.json"
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {"executions": 0, "seconds": 0.0, "findings": [], **kept}


def _keep(folder: Path, name: str, state: dict[str, Any]) -> None:
    beside = folder / f"{name}.part"
    beside.write_text(json.dumps(state, indent=1), encoding="utf-8")
    beside.replace(folder / f"{name}.json")


def _told(folder: Path, name: str) -> str:
    """Return what is being raised, and keep the input that it came of."""
    pending = folder / f"{name}.pending"
    if pending.exists():  # or else the target itself is wrong
        pending.replace(folder / f"{name}.failed")
    return traceback.format_exc()[-6000:]


def fuzz(target: Target, seconds: float, folder: Path) -> int:
    """Run a target for so long, or until it fails; return the number of inputs that it was given."""
    state = _state(folder, target.name)
    pending = folder / f"{target.name}.pending"
    database = DirectoryBasedExampleDatabase(folder / "examples")
    began, before = time.monotonic(), state["executions"]
    finding = ""

    def run(data: Any) -> None:
        pending.write_text(repr(data), encoding="utf-8", errors="replace")
        state["executions"] += 1
        execute(target, data)

    try:
        for data in target.known:
            run(data)
    except Exception:
        finding = _told(folder, target.name)
    while not finding and time.monotonic() - began < seconds:
        test = settings(
            max_examples=ROUND,
            database=database,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.reuse, Phase.generate, Phase.shrink),
            verbosity=Verbosity.quiet,
            print_blob=False,
            report_multiple_bugs=False,
        )(seed(state["executions"])(given(target.inputs)(run)))
        try:
            test()
        except Exception:
            finding = _told(folder, target.name)
    pending.unlink(missing_ok=True)
    state["seconds"] += time.monotonic() - began
    state["findings"] = [finding] if finding else []
    _keep(folder, target.name, state)
    return int(state["executions"] - before)


def _in_process_of_its_own(name: str, seconds: float, folder: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.fuzz", "--folder", str(folder), "--alone", name, str(seconds)]
    try:
        ended = subprocess.run(command, timeout=seconds + MORE_TIME, check=False, stderr=subprocess.PIPE, text=True)
        why = f"the process died ({ended.returncode}): {ended.stderr[-2000:]}" if ended.returncode else ""
    except subprocess.TimeoutExpired:
        why = "the process hung"
    if why:
        state = _state(folder, name)
        state["findings"] = [why]
        _keep(folder, name, state)


def run_all(minutes: float, names: Sequence[str], folder: Path) -> int:
    """Run targets for so many minutes in all, print a line for each, and return how many failed."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    print(f"{'target':18} {'inputs':>9} {'minutes':>8}  found")
    for name in names:
        _in_process_of_its_own(name, minutes * 60 / len(names), folder)
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
    parser.add_argument("--alone", nargs=2, metavar=("NAME", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        try:
            fuzz(TARGETS[options.alone[0]], float(options.alone[1]), options.folder)
        finally:
            close_doors()
        return
    with tempfile.TemporaryDirectory() as temporary:
        failed = run_all(options.minutes, options.target or list(TARGETS), options.folder or Path(temporary))
    print(f"{failed} of the targets failed   (wanted 0)")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
