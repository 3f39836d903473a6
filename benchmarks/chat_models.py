"""How the loop stands up to models that misbehave, how often it asks one that does not, and what its steps cost.

python -m benchmarks.chat_models [RUNS]
"""

import itertools
import json
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from langchain.agents import create_agent

from imagerag.agent.protocols import Critic
from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models import client as asking
from imagerag.chat_models import providers as connecting
from imagerag.chat_models.pricing import PRICES, load_pricing
from imagerag.chat_models.providers import connect
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.records import Mode
from imagerag.settings import Settings
from imagerag.tools import ToolSession, make_tools
from testing.misbehaviour import PATIENCE, PRICE, Tally, misbehaving
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.servers import Shelf

PAPER: dict[Mode, tuple[int, str]] = {
    "auto": (3, "does it match, what is missing, captions"),
    "lookup_first": (2, "which concepts, captions"),
    "rephrase_only": (2, "does it match, rephrase"),
}
"""Questions that the paper's procedure (arXiv 2502.09411, section 3) puts to its VLM before the redraw."""


TROUBLES = ("crash", "over budget", "lost image", "worse image")
SHARE = 20
"""Runs that a process makes before it tells of them."""
SLACK = 2.5
"""Seconds beyond its limit after which a run has gone on for too long; machines are shared."""


def misbehaviours(runs: int) -> None:
    """Print how many runs crashed, went over a limit, lost an image that was made, or returned a worse one."""
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
            troubles += [f"seed {seed}: {trouble}" for trouble in one_run(seed, home, reasons)]
    return troubles, reasons


def one_run(seed: int, home: str, reasons: Counter[str]) -> list[str]:
    """Return what went wrong in the run with the model of that seed; every second one is the critic too."""
    modes: tuple[Mode, ...] = ("auto", "lookup_first", "rephrase_only", "no_lookup")
    max_tokens = (None, 4000, 12_000, 40_000)[seed // 4 % 4]
    max_money = (None, 0.01, 0.04)[seed // 16 % 3]
    max_seconds = (8.0, 2.0)[seed // 48 % 2]
    squares, tally, trouble = Squares(), Tally(), list[str]()
    plain: Critic = ScriptedCritic(itertools.cycle([0.3, 0.4, 0.2]))
    with serving(tally.charged(misbehaving(seed))) as server, priced(server.name, Path(home)):
        critic = VlmCritic("vlm", connect(server.name), lambda: plain) if seed % 2 else plain
        graph = build_graph(critic=critic, generator=squares, index=Shelf())
        settings = Settings(
            home=home, vlm=server.name, mode=modes[seed % 4], max_steps=12, max_seconds=max_seconds,
            max_tokens=max_tokens, max_money=max_money,
        )  # fmt: skip
        began = time.monotonic()
        try:
            config: Any = {"configurable": {"thread_id": "t"}}
            result = graph.invoke({"prompt": "an owl", "seed": seed}, config, context=settings)
        except Exception as error:
            return [f"crash: {type(error).__name__}: {error}"]
        took = time.monotonic() - began
    reasons[result["stop_reason"]] += 1
    steps = max((step["step"] for step in result["trace"]), default=0)
    if max_tokens is not None and tally.tokens > max_tokens:
        trouble.append(f"over budget: {tally.tokens} tokens of {max_tokens}")
    if max_money is not None and tally.money > max_money:
        trouble.append(f"over budget: {tally.money} dollars of {max_money}")
    if steps > 12 or len(squares.requests) > settings.max_generations or took > max_seconds + SLACK:
        trouble.append(f"over budget: {steps} steps, {len(squares.requests)} generations, {took:.1f} s")
    made = [image for image in result["images"] if Path(image["path"]).is_file()]
    best = result["image"]
    if squares.requests and (best is None or len(made) < len(squares.requests) or best["score"] is None):
        trouble.append("lost image: made and not handed over")
    judges = {image["verdict"]["critic"] for image in made if image["verdict"]}
    if best is not None and len(judges) == 1 and best["score"] < max(image["score"] for image in made):
        trouble.append(f"worse image: {best['id']} is not the best of {len(made)}")
    return trouble


@contextmanager
def priced(name: str, folder: Path) -> Iterator[None]:
    """Let the model of that name cost ``PRICE`` until the block ends."""
    file = folder / "prices.toml"
    file.write_text(f"{json.dumps(name)} = {{ input = {PRICE[0]}, output = {PRICE[1]} }}", encoding="utf-8")
    before = os.environ.get(PRICES)
    os.environ[PRICES] = str(file)
    load_pricing.cache_clear()  # another server may have had this port
    try:
        yield
    finally:
        load_pricing.cache_clear()
        os.environ.pop(PRICES) if before is None else os.environ.update({PRICES: before})


def perfect(request: dict[str, Any], number: int, *, first_is_good: bool, looks: bool) -> Reply:
    """Answer as a model does that makes no mistake and no needless call.

    One that ``looks`` draws with references only when it has seen them, which the paper's never does.
    """
    if "response_format" in request:
        asked_before = first_is_good or "exactly these concepts" in json.dumps(request)
        concept = {"concept": "owl", "kind": "content", "present": asked_before, "confidence": 1.0}
        return Reply(json.dumps({"concepts": [concept], "matches": asked_before}))
    offered = {tool["function"]["name"] for tool in request["tools"]}
    drawn = "image-1" in json.dumps(request["messages"])
    found = "ref-1:" in json.dumps(request["messages"])
    search = ("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}], "k": 1})
    redraw = ("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["ref-1"]})
    if "generate" in offered and (not drawn or "search_references" not in offered):
        return Reply(calls=[("generate", {"prompt": "a plain owl" if drawn else "an owl"})])
    return Reply(calls=[search, redraw] if not looks else [redraw] if found else [search])


def calls_of(mode: Mode, judges: bool, looks: bool = False) -> tuple[int, int]:
    """Return the model calls up to the last drawing, and in all."""
    script = partial(perfect, first_is_good=mode == "lookup_first", looks=looks)
    with tempfile.TemporaryDirectory() as home, serving(script) as server:
        scores = [0.9] if mode == "lookup_first" else [0.3, 0.9]
        plain: Critic = ScriptedCritic(scores)
        critic = VlmCritic("vlm", connect(server.name), lambda: plain) if judges else plain
        before: list[int] = []
        squares = Squares(lambda step: before.append(len(server.requests)))
        graph = build_graph(critic=critic, generator=squares, index=Shelf())
        config: Any = {"configurable": {"thread_id": "t"}}
        graph.invoke({"prompt": "an owl"}, config, context=Settings(home=home, vlm=server.name, mode=mode))
        return before[-1], len(server.requests)


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
    """Print the rows of the README's table."""
    impatient()
    model_calls()
    overhead()
    misbehaviours(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)


if __name__ == "__main__":
    main()
