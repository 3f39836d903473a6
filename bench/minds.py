"""How the loop stands up to models that misbehave, how often it asks one that does not, and what its steps cost.

python -m bench.minds [RUNS]
"""

import itertools
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from langchain.agents import create_agent

from imagerag.agent import asking
from imagerag.agent.connecting import connect
from imagerag.agent.minds import Critic
from imagerag.agent.vlm_critic import VlmCritic
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.context import Context
from imagerag.graphs.parts import Injected, ResolvedParts
from imagerag.records import Mode
from imagerag.tools import Workbench, make_tools
from tests.doors import Shelf
from tests.misbehaviour import Tally, misbehaving
from tests.openai_server import Reply, serving
from tests.scripted import ScriptedCritic, ScriptedModel, Squares

PAPER: dict[Mode, tuple[int, str]] = {
    "auto": (3, "does it match, what is missing, captions"),
    "lookup_first": (2, "which concepts, captions"),
    "rephrase_only": (2, "does it match, rephrase"),
}
"""Questions that the paper's procedure (arXiv 2502.09411, section 3) puts to its VLM before the redraw."""


def misbehaviours(runs: int) -> None:
    """Print how many runs crashed, went over a limit, or lost an image that was made."""
    found: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as home:
            for trouble in one_run(seed, home, reasons):
                found[trouble.partition(":")[0]] += 1
                print(f"  seed {seed}: {trouble}", flush=True)
    crashes, over, lost = (found[name] for name in ("crash", "over budget", "lost image"))
    print(f"{runs} misbehaving models: crashes                 {crashes:5d}     (wanted 0)")
    print(f"{runs} misbehaving models: runs over budget        {over:5d}     (wanted 0)")
    print(f"{runs} misbehaving models: lost images             {lost:5d}     (wanted 0)")
    print(f"  how they ended: {', '.join(f'{name} {count}' for name, count in reasons.most_common())}")


def one_run(seed: int, home: str, reasons: Counter[str]) -> list[str]:
    """Return what went wrong in the run with the model of that seed; every second one is the critic too."""
    modes: tuple[Mode, ...] = ("auto", "lookup_first", "rephrase_only", "no_lookup")
    max_tokens = (None, 4000, 12_000, 40_000)[seed // 4 % 4]
    squares, tally, trouble = Squares(), Tally(), list[str]()
    plain: Critic = ScriptedCritic(itertools.cycle([0.3, 0.4, 0.2]))
    with serving(tally.charged(misbehaving(seed))) as server:
        critic = VlmCritic("vlm", connect(server.name), lambda: plain) if seed % 2 else plain
        graph = build_graph(critic=critic, generator=squares, index=Shelf())
        context = Context(
            home=home, vlm=server.name, mode=modes[seed % 4], max_steps=12, max_seconds=30, max_tokens=max_tokens
        )
        began = time.monotonic()
        try:
            config: Any = {"configurable": {"thread_id": "t"}}
            result = graph.invoke({"prompt": "an owl", "seed": seed}, config, context=context)
        except Exception as error:
            return [f"crash: {type(error).__name__}: {error}"]
    reasons[result["stop_reason"]] += 1
    steps = max((step["step"] for step in result["trace"]), default=0)
    if max_tokens is not None and tally.tokens > max_tokens:
        trouble.append(f"over budget: {tally.tokens} tokens of {max_tokens}")
    if steps > 12 or len(squares.requests) > context.max_generations or time.monotonic() - began > 32:
        trouble.append(f"over budget: {steps} steps, {len(squares.requests)} generations")
    made = [image for image in result["images"] if Path(image["path"]).is_file()]
    best = result["image"]
    if squares.requests and (best is None or len(made) < len(squares.requests) or best["score"] is None):
        trouble.append("lost image: made and not handed over")
    return trouble


def perfect(request: dict[str, Any], number: int, *, first_is_good: bool = False) -> Reply:
    """Answer as a model does that makes no mistake and no needless call."""
    if "response_format" in request:
        asked_before = first_is_good or "exactly these concepts" in json.dumps(request)
        concept = {"concept": "owl", "kind": "content", "present": asked_before, "confidence": 1.0}
        return Reply(json.dumps({"concepts": [concept], "matches": asked_before}))
    offered = {tool["function"]["name"] for tool in request["tools"]}
    drawn = "image-1" in json.dumps(request["messages"])
    search = ("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}], "k": 1})
    redraw = ("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["ref-1"]})
    if "generate" in offered and (not drawn or "search_references" not in offered):
        return Reply(calls=[("generate", {"prompt": "a plain owl" if drawn else "an owl"})])
    return Reply(calls=[search, redraw])


def calls_of(mode: Mode, judges: bool) -> tuple[int, int]:
    """Return the model calls up to the last drawing, and in all."""
    script = partial(perfect, first_is_good=mode == "lookup_first")
    with tempfile.TemporaryDirectory() as home, serving(script) as server:
        scores = [0.9] if mode == "lookup_first" else [0.3, 0.9]
        plain: Critic = ScriptedCritic(scores)
        critic = VlmCritic("vlm", connect(server.name), lambda: plain) if judges else plain
        before: list[int] = []
        squares = Squares(lambda step: before.append(len(server.requests)))
        graph = build_graph(critic=critic, generator=squares, index=Shelf())
        config: Any = {"configurable": {"thread_id": "t"}}
        graph.invoke({"prompt": "an owl"}, config, context=Context(home=home, vlm=server.name, mode=mode))
        return before[-1], len(server.requests)


def model_calls() -> None:
    """Print how often a perfect model is asked, mode by mode, beside the paper's procedure."""
    for mode, (paper, what) in PAPER.items():
        drives, both = calls_of(mode, judges=False), calls_of(mode, judges=True)
        print(
            f"model calls, {mode:14} {drives[0]} up to the redraw, {drives[1]} in all; judging as well "
            f"{both[0]}, {both[1]}   (wanted <= {paper}: {what})"
        )


def overhead(steps: int = 100, repeats: int = 9) -> None:
    """Print what a step takes here and in ``create_agent``: same tools, same script, engines that cost nothing.

    In turn, and of each the shortest, as ``timeit`` advises: what else the machine does can only add to it. The clock
    on the wall also counts waiting for a core, the processor's own does not.
    """
    measured = [(_create_agent_step(steps), _own_step(steps)) for _ in range(repeats)]
    for what, place in (("on the wall", 0), ("of the processor", 1)):
        theirs, ours = (1000 * min(pair[side][place] for pair in measured) for side in (0, 1))
        print(
            f"time {what} per step: this graph {ours:5.2f} ms, create_agent {theirs:5.2f} ms   (wanted: ours <= this)"
        )


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
        context = Context(home=home, max_steps=steps, max_seconds=600)
        began = _clocks()
        graph.invoke({"prompt": "an owl"}, context=context)
        ended = _clocks()
    assert len(model.seen) == steps
    return (ended[0] - began[0]) / steps, (ended[1] - began[1]) / steps


def _create_agent_step(steps: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as home:
        injected = Injected(None, ScriptedCritic([0.3]), None, Squares(), Shelf())
        bench = Workbench(ResolvedParts(Context(home=home), injected), prompt="an owl", seed=1)
        model = ScriptedModel(script=_script(steps), seen=[], offered=[])
        agent: Any = create_agent(model, make_tools(lambda: bench))
        began = _clocks()
        agent.invoke({"messages": [{"role": "user", "content": "an owl"}]}, {"recursion_limit": 3 * steps})
        ended = _clocks()
    assert len(model.seen) == steps
    return (ended[0] - began[0]) / steps, (ended[1] - began[1]) / steps


def main() -> None:
    """Print the rows of the README's table."""
    asking.BACKOFF = 0.001  # what is waited for is no part of this
    logging.disable(logging.WARNING)
    model_calls()
    overhead()
    misbehaviours(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)


if __name__ == "__main__":
    main()
