"""Writes the tables of what was tried into docs/threat-model.md, from the lists of the benchmarks themselves.

The figures are kept in docs/tried.json; what a benchmark has found since then is added to them.

python -m docs.tried_table [--faults RESULTS.jsonl] [--inputs RESULTS.jsonl] [--fuzz FOLDER] [--date YYYY-MM-DD]
python -m docs.tried_table --check
"""

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.fuzz import TARGETS
from benchmarks.hostile_kinds import FILE_KINDS, KINDS
from benchmarks.torture import COLUMNS, all_faults

HERE = Path(__file__).parent
PAGE, FIGURES = HERE / "threat-model.md", HERE / "tried.json"
BEGINS, ENDS = "<!-- tried: python -m docs.tried_table -->", "<!-- end of tried -->"
NOT_YET = "not yet"

Figures = dict[str, dict[str, dict[str, Any]]]


def fault_groups() -> dict[str, tuple[int, list[str]]]:
    """Return how many faults of each group there are, and what they strike."""
    groups: dict[str, tuple[int, dict[str, None]]] = {}
    for fault in all_faults():
        group, _, what = fault.name.partition(": ")
        count, struck = groups.setdefault(group, (0, {}))
        groups[group] = (count + 1, struck | {_struck(group, what): None})
    return {group: (count, list(struck)) for group, (count, struck) in groups.items()}


def _struck(group: str, what: str) -> str:
    """Return what a fault strikes: a command, a server, or a file."""
    if group in ("signal", "stage"):
        return what.split()[1]
    if group == "kill":
        return what.split()[0]
    if group in ("dependency", "damage", "weights"):
        return what.rpartition(" ")[0]
    return what.partition(",")[0]


def tables(figures: Figures) -> str:
    """Return the tables in Markdown."""
    shown = [column for column in COLUMNS if column not in ("tried", "not one line")]
    parts = [
        _table(
            ["fault", "strikes", "there are", "tried", *shown],
            (
                [group, ", ".join(struck), count, *_of(figures, "faults", group, ["tried", *shown])]
                for group, (count, struck) in fault_groups().items()
            ),
        ),
        _table(
            ["input", "which", "the other's latency, times", "MiB above idle", "answered"],
            (
                [kind.name, kind.about.rstrip("."), *_of(figures, "inputs", kind.name, ["times", "MiB", "answers"])]
                for kind in (*KINDS, *FILE_KINDS)
            ),
        ),
        _table(
            ["fuzz target", "inputs", "minutes", "crashes and hangs"],
            ([name, *_of(figures, "fuzz", name, ["inputs", "minutes", "found"])] for name in TARGETS),
        ),
    ]
    return "\n\n".join(parts)


def _of(figures: Figures, part: str, name: str, columns: Iterable[str]) -> list[Any]:
    of_it = figures.get(part, {}).get(name)
    return [NOT_YET if of_it is None else of_it[column] for column in columns]


def _table(head: list[str], rows: Iterable[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', ' ') for cell in line)} |" for line in lines)


def page_with(text: str, figures: Figures) -> str:
    """Return the page with these figures."""
    before, _, rest = text.partition(BEGINS)
    told = f"As of {figures['as of']['date']['is']}.\n\n{tables(figures)}"
    return f"{before}{BEGINS}\n\n{told}\n\n{ENDS}{rest.partition(ENDS)[2]}"


def add_faults(figures: Figures, results: Path) -> None:
    """Add what ``python -m benchmarks.torture`` has tried."""
    for line in results.read_text(encoding="utf-8").splitlines():
        entry: Mapping[str, Any] = json.loads(line)
        counts = figures["faults"].setdefault(entry["name"].partition(":")[0], dict.fromkeys(COLUMNS, 0))
        counts["tried"] += 1
        for column in COLUMNS[1:]:
            counts[column] += len(entry[column])


def add_inputs(figures: Figures, results: Path) -> None:
    """Take what ``python -m benchmarks.hostile_inputs`` has measured last."""
    for line in results.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        figures["inputs"][entry.pop("name")] = entry


def add_fuzz(figures: Figures, folder: Path) -> None:
    """Take what ``python -m benchmarks.fuzz`` has kept in its folder."""
    for name in TARGETS:
        file = folder / f"{name}.json"
        if file.exists():
            kept = json.loads(file.read_text(encoding="utf-8"))
            minutes = round(kept["seconds"] / 60, 1)
            figures["fuzz"][name] = {
                "inputs": kept["executions"],
                "minutes": minutes,
                "found": len(kept["findings"]),
            }


def main() -> int:
    """Write the tables, or tell whether they are as they would be written."""
    parser = argparse.ArgumentParser(prog="python -m docs.tried_table")
    parser.add_argument("--faults", type=Path)
    parser.add_argument("--inputs", type=Path)
    parser.add_argument("--fuzz", type=Path)
    parser.add_argument("--date", help="of the last measurement")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is another")
    options = parser.parse_args()
    figures: Figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    for add, given in ((add_faults, options.faults), (add_inputs, options.inputs), (add_fuzz, options.fuzz)):
        if given is not None:
            add(figures, given)
    if options.date:
        figures["as of"] = {"date": {"is": options.date}}
    text = PAGE.read_text(encoding="utf-8")
    written = page_with(text, figures)
    if options.check:
        return int(written != text)
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
