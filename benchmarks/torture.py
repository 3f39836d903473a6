"""``make torture``: kills, full disks, damaged files, and servers that are gone or hang, one after the other.

After each fault: no image, verdict or row is lost or doubled, nothing is half-written, what went wrong is one line
without a traceback, and the next command works. It prints a table of what was tried and found. A run that is ended goes
on where it was; ``--anew`` begins again.
"""

import argparse
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.torture_commands import Findings, Outcome, left_behind, look_at, run
from benchmarks.torture_faults import Fault, faults
from imagerag.assets.library import Library
from testing.user_pictures import save_picture

ADDED, MORE = 4, 6
"""Pictures that are there before a fault, and those that there are in all afterwards."""
COLUMNS = (
    "tried", "lost", "doubled", "half-written", "hung", "tracebacks", "not one line", "next fails", "left behind",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every fault, print the table, and return 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few faults of every group, within a minute")
    parser.add_argument("--repeats", type=int, default=20, help="kills of each command (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--results", default="build/torture.jsonl", help="file that a run goes on from")
    parser.add_argument("--anew", action="store_true", help="forget earlier results")
    options = parser.parse_args(arguments)
    results = Path(options.results)
    results.parent.mkdir(parents=True, exist_ok=True)
    if options.anew:
        results.unlink(missing_ok=True)
    done = _read(results)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        place = Path(folder)
        template = _template(place)
        for number, fault in enumerate(faults(options.repeats, short=options.short)):
            if fault.name in done:
                continue
            entry = _tried(fault, place, template, random.Random(f"{options.seed}/{number}"))
            done[fault.name] = entry
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"name": fault.name, **entry}) + "\n")
            for kind, told in _wrong(entry):
                print(f"{fault.name}: {kind}: {told}", flush=True)
    return _print_table(done)


def _template(place: Path) -> Path:
    """Make a data directory with own pictures and a thread, of which every fault gets a copy."""
    home = place / "template"
    for number, concept in enumerate(list(Library().by_concept)[:MORE]):
        for folder in ("pictures", "more") if number < ADDED else ("more",):
            save_picture(place / folder, f"{number}.png", concept)
    log = place / "log"
    for command in (
        ["index", "add", str(place / "pictures"), "--home", str(home)],
        ["a scarlet ibis", "--thread", "first", "--max-generations", "2", "--home", str(home)],
    ):
        outcome = run(command, log)
        if outcome.status:
            raise SystemExit(f"the data directory can't be made: {outcome.output}")
    return home


def _tried(fault: Fault, place: Path, template: Path, chance: random.Random) -> dict[str, list[str]]:
    """Let a fault strike a copy of the data directory, and return what is wrong afterwards, by kind."""
    home = place / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(template, home)
    before = _images(home)
    began = time.monotonic()
    outcomes = fault.strike(home, place, chance)
    found: dict[str, list[str]] = {kind: [] for kind in COLUMNS[1:]}
    for outcome in outcomes:
        _judge_output(outcome, found)
    fault.mend(home)
    following = [
        run(["index", "add", str(place / "more"), "--home", str(home)], place / "log"),
        run(["a red owl", "--thread", "first", "--max-generations", "1", "--home", str(home)], place / "log"),
        run(["index", "verify", "--home", str(home)], place / "log"),
    ]
    for outcome in following:
        if outcome.status:
            found["next fails"].append(outcome.output[-300:])
    after: Findings = look_at(home)
    found["lost"] += after.lost + [f"image {name}" for name in before - _images(home) - fault.damaged(home)]
    found["doubled"] += after.doubled
    found["half-written"] += after.half
    found["left behind"] += left_behind(home)
    found["seconds"] = [f"{time.monotonic() - began:.1f}"]
    return found


def _judge_output(outcome: Outcome, found: dict[str, list[str]]) -> None:
    if outcome.status is None:
        found["hung"].append(f"after {outcome.seconds:.0f} s: {outcome.output[-200:]}")
    if "Traceback" in outcome.output or "panicked at" in outcome.output:
        found["tracebacks"].append(outcome.output[-300:])
    elif outcome.status is not None and outcome.status > 1 and len(outcome.told) != 1:  # 1: a report of what is wrong
        found["not one line"].append(f"status {outcome.status}: {outcome.output[-300:]}")


def _images(home: Path) -> set[str]:
    return {file.stem for file in home.glob("images/*/*.png")}


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
