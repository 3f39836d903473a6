"""Does looking up help? Prompts with a concept that the base set lacks: base, the paper's one pass, the agent.

    python -m benchmarks.lookup [--half dev] [--limit N] [--misses] [--sheet FILE.png]

The judge is ``evaluation.evaluator``, which is not the critic. Published figures come from the half ``test``, on which
nothing was tuned.
"""

import argparse
from dataclasses import dataclass, field
from typing import Literal

from PIL import Image

from benchmarks.cases import Case, lacking_cases
from benchmarks.settings import benchmark_settings
from imagerag.assets.library import Library
from imagerag.evaluation.evaluator import Evaluator
from imagerag.evaluation.remembered import Memory, RememberingGenerator
from imagerag.generators.registry import load_generator
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.assembly import Graph
from imagerag.graphs.one_pass import build_one_pass
from imagerag.graphs.state import Output

SYSTEMS = ("base", "one-pass", "agent")


@dataclass
class Tally:
    """How one kind of prompt went: a list of hits per system, beside-hits for pairs, and what each drew."""

    there: dict[str, list[bool]] = field(default_factory=lambda: {system: [] for system in SYSTEMS})
    both: dict[str, list[bool]] = field(default_factory=lambda: {system: [] for system in SYSTEMS})
    generations: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def share(self, system: str, which: Literal["there", "both"] = "there") -> float:
        """Return the share of prompts, 0..1."""
        hits = (self.both if which == "both" else self.there)[system]
        return sum(hits) / max(len(hits), 1)


def run_case(case: Case, agent: Graph, one_pass: Graph, tally: Tally, judge: Evaluator) -> tuple[str, list[str]]:
    """Run one prompt through the three systems; returns a line about it and the three images' paths."""
    runs: dict[str, Output] = {}
    for name, graph in (("agent", agent), ("one-pass", one_pass)):
        config = {"configurable": {"thread_id": f"{name}:{case.prompt}"}}
        runs[name] = graph.invoke(  # type: ignore[call-overload]
            {"prompt": case.prompt, "seed": case.seed}, config, context=benchmark_settings()
        )
    paths = {
        "base": runs["agent"]["images"][0]["path"],
        "one-pass": _path(runs["one-pass"]),
        "agent": _path(runs["agent"]),
    }
    marks = []
    for system, path in paths.items():
        image = Image.open(path)
        there = judge.present(image, case.wanted)
        tally.there[system].append(there)
        if case.beside:
            tally.both[system].append(there and judge.present(image, case.beside))
        marks.append(f"{system} {'+' if there else '-'}")
    scores = " ".join(f"{record['score']:.2f}" for record in runs["agent"]["images"])
    tally.generations.append(len(runs["agent"]["images"]))
    tally.seconds.append(runs["agent"]["seconds"])
    return f"{case.prompt:45} {'  '.join(marks)}  {scores} {runs['agent']['stop_reason']}", list(paths.values())


def _path(run: Output) -> str:
    assert run["image"] is not None
    return run["image"]["path"]


def contact_sheet(rows: list[list[str]], out: str) -> None:
    """Save the images side by side, a row per prompt: base, one-pass, agent."""
    columns, side = 4, 128
    sheet = Image.new("RGB", (columns * 3 * side + columns * 16, (len(rows) + columns - 1) // columns * side), "gray")
    for place, row in enumerate(rows):
        for k, path in enumerate(row):
            x = (place % columns) * (3 * side + 16) + k * side
            sheet.paste(Image.open(path).convert("RGB"), (x, place // columns * side))
    sheet.save(out)


def main() -> None:
    """Run both kinds of prompt and print the rows of the table in docs/evaluating.md."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=("dev", "test"), default="test")
    options.add_argument("--limit", type=int, default=1000)
    options.add_argument("--misses", action="store_true", help="print every prompt, not only the shares")
    options.add_argument("--sheet", help="save a contact sheet of the pairs")
    chosen = options.parse_args()
    library, judge = Library(), Evaluator()
    generator = RememberingGenerator(load_generator("patchwork"), Memory(), "pictograms")
    agent, one_pass = build_graph(generator=generator), build_one_pass(generator=generator)
    for pairs in (False, True):
        tally, rows = Tally(), []
        for case in lacking_cases(library, chosen.half, pairs)[: chosen.limit]:
            line, paths = run_case(case, agent, one_pass, tally, judge)
            rows.append(paths)
            if chosen.misses:
                print(line, flush=True)
        kind = "in pairs" if pairs else "alone"
        print(f"lacking concepts {kind}, {len(tally.seconds)} prompts ({chosen.half}): the concept is there")
        for system in SYSTEMS:
            both = f"   both concepts {tally.share(system, 'both'):6.1%}" if pairs else ""
            print(f"  {system:10} {tally.share(system):6.1%}{both}")
        mean = sum(tally.generations) / len(tally.generations)
        print(f"  agent: {mean:.2f} images and {sum(tally.seconds) / len(tally.seconds):.1f} s a prompt", flush=True)
        if chosen.sheet and pairs:
            contact_sheet(rows, chosen.sheet)


if __name__ == "__main__":
    main()
