"""How the loop stands up to models that misbehave, how often it asks one that does not, and what its steps cost.

python -m benchmarks.chat_models [RUNS]
"""

import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from langchain.agents import create_agent

from imagerag.chat_models import client as asking
from imagerag.chat_models import providers as connecting
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.settings import Settings
from imagerag.tools import ToolSession, make_tools
from testing.misbehaving_runs import PAPER, calls_of, misbehaving_run
from testing.misbehaviour import PATIENCE
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.servers import Shelf

TROUBLES = ("crash", "over budget", "lost image", "worse image", "silent end", "no image")
SHARE = 20
"""Runs that a process makes before it tells of them."""
SLACK = 2.5
"""Seconds beyond its limit after which a run has gone on for too long; machines are shared."""


def misbehaviours(runs: int) -> None:
    """Print how many runs crashed, broke a limit, lost an image, returned a worse one or none, or ended in silence."""
    found: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    shares = [range(first, min(first + SHARE, runs)) for first in range(0, runs, SHARE)]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn"), impatient) as pool:
        for done, (troubles, ended) in enumerate(pool.map(some_runs, shares), 1):
            reasons += ended
            for trouble in troubles:
                found[trouble.partition(": ")[2].partition(":")[0]] += 1
                print(f"  {trouble}", flush=True)
            print(f"\r{min(done * SHARE, runs)} of {runs} runs", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for name in TROUBLES:
        row(f"{runs} misbehaving models: {name}", found[name], "0", found[name] == 0)
    print(f"how they ended: {', '.join(f'{name} {count}' for name, count in reasons.most_common())}")


def impatient() -> None:
    """Let clients of servers give up soon, and wait for nothing between attempts: waiting is no part of this."""
    logging.disable(logging.WARNING)
    asking.BACKOFF, connecting.TIMEOUT = 0.001, PATIENCE


def some_runs(seeds: range) -> tuple[list[str], Counter[str]]:
    """Return what went wrong in the runs of those seeds, and how often they ended for which reason."""
    reasons: Counter[str] = Counter()
    troubles: list[str] = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as home:
            run = misbehaving_run(seed, home)
        if run.stop_reason:
            reasons[run.stop_reason] += 1
        found = list(run.troubles)
        if run.seconds > run.max_seconds + SLACK:
            found.append(f"over budget: {run.seconds:.1f} s of {run.max_seconds}")
        troubles += [f"seed {seed}: {trouble}" for trouble in found]
    return troubles, reasons


def model_calls() -> None:
    """Print how often a perfect model is asked, mode by mode, beside the paper's procedure."""
    for mode, (paper, what) in PAPER.items():
        for judges in (False, True):
            calls, in_all = calls_of(mode, judges)
            who = "driving and judging" if judges else "driving"
            row(
                f"model calls up to the redraw, {mode}, {who}",
                calls,
                f"<= {paper}: {what}",
                calls <= paper,
                f"; {in_all} in all; {calls_of(mode, judges, looks=True)[0]} if it looks at references before it draws",
            )


def overhead(steps: int = 100, repeats: int = 9) -> None:
    """Print what a step takes here and in ``create_agent``: same tools, same script, engines that cost nothing.

    In turn, and of each the shortest, as ``timeit`` advises: what else the machine does can only add to it. The clock
    on the wall also counts waiting for a core, the processor's own does not.
    """
    measured = [(_create_agent_step(steps), _own_step(steps)) for _ in range(repeats)]
    for what, place in (("on the wall", 0), ("of the processor", 1)):
        theirs, ours = (1000 * min(pair[side][place] for pair in measured) for side in (0, 1))
        row(f"time {what} per step, ms", round(ours, 2), f"<= {theirs:.2f}, create_agent's", ours <= theirs)


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _script(steps: int) -> list[Any]:
    caption = [("propose_captions", {"concepts": ["owl"]})]
    return [[("generate", {"prompt": "an owl"})], *[caption] * (steps - 2), "done"]


def _own_step(steps: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as home:
        model = ScriptedModel(script=_script(steps), seen=[], offered=[])
        graph = build_graph(
            chat_model=model, critic=ScriptedCritic([0.3]), generator=Squares(), index=Shelf(), checkpointer=None
        )
        settings = Settings(home=home, max_steps=steps, max_seconds=600)
        began = _clocks()
        graph.invoke({"prompt": "an owl"}, context=settings)
        ended = _clocks()
    assert len(model.seen) == steps
    return (ended[0] - began[0]) / steps, (ended[1] - began[1]) / steps


def _create_agent_step(steps: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as home:
        injected = InjectedComponents(None, ScriptedCritic([0.3]), None, Squares(), Shelf())
        session = ToolSession(Components(Settings(home=home), injected), prompt="an owl", seed=1)
        model = ScriptedModel(script=_script(steps), seen=[], offered=[])
        agent: Any = create_agent(model, make_tools(lambda: session))
        began = _clocks()
        agent.invoke({"messages": [{"role": "user", "content": "an owl"}]}, {"recursion_limit": 3 * steps})
        ended = _clocks()
    assert len(model.seen) == steps
    return (ended[0] - began[0]) / steps, (ended[1] - began[1]) / steps


def row(what: str, figure: float, wanted: str, reached: bool, remark: str = "") -> None:
    """Print one row of the table."""
    print(f"{what:64} {figure:6}  {'reached' if reached else 'MISSED':8} (wanted {wanted}){remark}", flush=True)


def main() -> None:
    """Print the rows of the table in docs/evaluating.md."""
    impatient()
    model_calls()
    overhead()
    misbehaviours(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)


if __name__ == "__main__":
    main()
