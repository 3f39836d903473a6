"""``make torture``: kills, signals, disks, damaged files, clocks, and servers that misbehave, one after the other.

After each fault: no image, verdict or row is lost or doubled, nothing is half-written, what went wrong is one line
without a traceback, and the next command works. It prints a table of what was tried and found. A run that is ended goes
on where it was; ``--anew`` begins again.
"""

import argparse
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from benchmarks.torture_commands import Outcome, run
from benchmarks.torture_dependencies import clocks, dependencies, disks
from benchmarks.torture_faults import Fault, arguments_of, damages, is_fine, kills, signals
from benchmarks.torture_serving import UP, Server
from imagerag.assets.library import Library
from testing.torture_findings import FIRST, SHORT, Kept, kept_in, left_behind, look_at, told_images
from testing.user_pictures import save_picture

KILLS, SIGNALS = 200, 3
"""Kills at random moments, and other signals at random moments of each command."""
ADDED, MORE = 4, 6
"""Pictures that are there before a fault, and those that there are in all afterwards."""
COLUMNS = (
    "tried", "lost", "doubled", "half-written", "hung", "tracebacks", "not one line", "next fails", "left behind",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every fault, print the table, and return 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few faults, within a minute or two")
    parser.add_argument("--kills", type=int, default=KILLS, help="kills at random moments (default: %(default)s)")
    parser.add_argument(
        "--signals", type=int, default=SIGNALS, help="other signals at random moments of each (default: %(default)s)"
    )
    parser.add_argument(
        "--only", action="append", help="faults whose names match this, as in 'kill: *'; repeatable, in this order"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--results", default="build/torture.jsonl", help="file that a run goes on from")
    parser.add_argument("--anew", action="store_true", help="forget earlier results")
    options = parser.parse_args(arguments)
    os.environ.setdefault("IMAGERAG_COMFYUI_CHECKPOINT", "any.safetensors")  # or no ComfyUI would be asked
    results = Path(options.results)
    results.parent.mkdir(parents=True, exist_ok=True)
    if options.anew:
        results.unlink(missing_ok=True)
    wanted = SHORT if options.short else options.only or ("*",)
    done = _read(results)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        place = Path(folder)
        template: Path | None = None
        everything = list(all_faults(options.kills, options.signals))
        for fault in (fault for pattern in wanted for fault in everything if fnmatch(fault.name, pattern)):
            if fault.name in done:
                continue
            if fault.lacks:
                print(f"{fault.name}: not tried, for want of {fault.lacks}", flush=True)
                continue
            template = template or _template(place)
            entry = _tried(fault, place, template, random.Random(f"{options.seed}/{fault.name}"))
            done[fault.name] = entry
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"name": fault.name, **entry}) + "\n")
            for kind, told in _wrong(entry):
                print(f"{fault.name}: {kind}: {told}", flush=True)
    return _print_table(done)


def all_faults(number: int = KILLS, signalled: int = SIGNALS) -> Iterator[Fault]:
    """Yield every fault that there is, with so many kills, and so many signals of each, at random moments."""
    yield from kills(number)
    yield from signals(signalled)
    yield from dependencies()
    yield from disks()
    yield from clocks()
    yield from damages()


def _template(place: Path) -> Path:
    """Make a data directory with own pictures and a thread, of which every fault gets a copy.

    How long each command takes is written to ``seconds.json``.
    """
    home = place / "template"
    for number, concept in enumerate(list(Library().by_concept)[:MORE]):
        for folder in ("pictures", "more") if number < ADDED else ("more",):
            save_picture(place / folder, f"{number}.png", concept)
    for command in (
        ["index", "add", str(place / "pictures"), "--home", str(home)],
        ["a lobster in a kimono", "--no-copy", "--thread", FIRST, "--max-generations", "2", "--home", str(home)],
    ):
        _calm(run(command, place / "log"))
    seconds = {}
    for what in ("draw", "add"):
        copy = shutil.copytree(home, place / "calm")
        seconds[what] = _calm(run(arguments_of(what, copy, place), place / "log"))
        shutil.rmtree(copy)
    began = time.monotonic()
    server = Server(place / "calm", place / "log")
    if not server.command.wait_for(UP) or server.ask() is None or server.ask() is None:
        raise SystemExit(f"the server does not serve: {server.command.output}")
    seconds["serve"] = time.monotonic() - began
    server.end(signal.SIGTERM)
    (place / "seconds.json").write_text(json.dumps(seconds), encoding="ascii")
    return home


def _calm(outcome: Outcome) -> float:
    if outcome.status:
        raise SystemExit(f"the data directory can't be made: {outcome.output}")
    return outcome.seconds


def _tried(fault: Fault, place: Path, template: Path, chance: random.Random) -> dict[str, list[str]]:
    """Let a fault strike a copy of the data directory, and return what is wrong afterwards, by kind."""
    home = place / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(template, home)
    before = kept_in(home)
    began = time.monotonic()
    struck = fault.strike(home, place, chance)
    found: dict[str, list[str]] = {kind: [] for kind in COLUMNS[1:]}
    for outcome in struck.outcomes:
        _judge_output(outcome, found)
    spared = fault.damaged(home)  # the remedy may be to move them away
    fault.mend(home)
    commands = {
        "add": ["index", "add", str(place / "more"), str(place / "pictures")],
        "draw": ["a red owl", "--thread", FIRST, "--max-generations", "1", "--no-copy"],
        "rebuild": ["index", "rebuild"],  # as its last line says
        "verify": ["index", "verify"],
    }
    for what in fault.follows:
        outcome = (
            _served_again(home, place, struck.answered, found)
            if what == "serve"
            else run([*commands[what], "--home", str(home)], place / "log")
        )
        if outcome.status or "Traceback" in outcome.output:
            found["next fails"].append(f"{what}: status {outcome.status}: {outcome.output[-300:]}")
    folders = ("more", "pictures") if "add" in fault.follows else ("pictures",)
    after = look_at(home, [file for folder in folders for file in (place / folder).iterdir()], struck.answered, spared)
    found["lost"] += after.lost
    found["doubled"] += after.doubled
    found["half-written"] += after.half
    found["left behind"] += left_behind(home)
    told = sum(told_images(outcome.output) for outcome in struck.outcomes) * (not fault.file)
    told += "draw" in fault.follows
    _compare(before, kept_in(home), spared, told, "draw" in fault.follows and fault.spares_threads, found)
    found["seconds"] = [f"{time.monotonic() - began:.1f}"]
    found["ended"] = [f"{one.status}: {' '.join(one.output[-200:].split())}" for one in struck.outcomes]
    return found


def _served_again(home: Path, place: Path, answered: Sequence[str], found: dict[str, list[str]]) -> Outcome:
    """Start a server that draws, and still has what the one before has given out."""
    server = Server(home, place / "log")
    if not server.command.wait_for(UP):
        return server.end(signal.SIGKILL)
    answer = server.ask()
    if answer is None or answer.status != 200:
        found["next fails"].append(f"a server's answer: {answer}")
    found["lost"] += [f"image {name} that was given out" for name in answered if not server.gives_out(name)]
    return is_fine(server.end(signal.SIGTERM))


def _compare(
    before: Kept, after: Kept, spared: set[str], told: int, threads: bool, found: dict[str, list[str]]
) -> None:
    """Compare what was there with what is; ``told`` is how many images commands have told of meanwhile."""
    found["lost"] += [f"image {name}" for name in before.images - after.images - spared]
    if len(after.images - before.images) < told:
        found["lost"].append(f"{told} images were told of, {len(after.images - before.images)} more are there")
    if not threads:
        return
    if after.records[: len(before.records)] != before.records:
        found["lost"].append(f"of the thread's images {before.records} there are {after.records}")
    if not before.turns + 1 <= after.turns <= before.turns + 2:
        kind = "lost" if after.turns <= before.turns else "doubled"
        found[kind].append(f"the thread had {before.turns} turns, and has {after.turns}")


def _judge_output(outcome: Outcome, found: dict[str, list[str]]) -> None:
    if outcome.status is None:
        found["hung"].append(f"after {outcome.seconds:.0f} s: {outcome.output[-200:]}")
    if "Traceback" in outcome.output or "panicked at" in outcome.output:
        found["tracebacks"].append(outcome.output[-300:])
    elif outcome.status is not None and outcome.status != 0 and outcome.status != 1 and len(outcome.told) != 1:
        found["not one line"].append(
            f"status {outcome.status}: {outcome.output[-300:]}"
        )  # 1: a report of what is wrong


def _wrong(entry: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for kind in COLUMNS[1:]:
        for told in entry[kind]:
            yield kind, " ".join(told.split())


def _read(results: Path) -> dict[str, dict[str, list[str]]]:
    if not results.exists():
        return {}
    entries = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return {entry.pop("name"): entry for entry in entries}


def _print_table(done: dict[str, dict[str, list[str]]]) -> int:
    groups: dict[str, Counter[str]] = {}
    for name, entry in done.items():
        counts = groups.setdefault(name.partition(":")[0], Counter())
        counts["tried"] += 1
        counts.update({kind: len(entry[kind]) for kind in COLUMNS[1:]})
    print(" | ".join(["fault", *COLUMNS]))
    for group, counts in groups.items():
        print(" | ".join([group, *(str(counts[kind]) for kind in COLUMNS)]))
    total: Counter[str] = sum(groups.values(), Counter())
    print(" | ".join(["all", *(str(total[kind]) for kind in COLUMNS)]))
    return int(any(total[kind] for kind in COLUMNS[1:]))


if __name__ == "__main__":
    raise SystemExit(main())
