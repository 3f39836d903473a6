"""Whole runs with models that misbehave, and with one that makes no mistake."""

import itertools
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from imagerag.agent.protocols import Critic
from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models.pricing import PRICES, load_pricing
from imagerag.chat_models.providers import connect
from imagerag.graphs.agent_graph import build_graph
from imagerag.modes import Mode
from imagerag.settings import Settings
from testing.misbehaviour import PRICE, Tally, Unsound, misbehaving
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf

PAPER: dict[Mode, tuple[int, str]] = {
    "auto": (3, "does it match, what is missing, captions"),
    "lookup_first": (2, "which concepts, captions"),
    "rephrase_only": (2, "does it match, rephrase"),
}
"""Questions that the paper's procedure (arXiv 2502.09411, section 3) puts to its VLM before the redraw."""


class MisbehavingRun(NamedTuple):
    """How the run with the misbehaving model of one seed went.

    Attributes:
        troubles: what went wrong, each as its kind, a colon and the figures.
        stop_reason: why the run ended; empty after a crash.
        seconds: that it took.
        max_seconds: that it was allowed.
    """

    troubles: list[str]
    stop_reason: str
    seconds: float
    max_seconds: float


def misbehaving_run(seed: int, home: str) -> MisbehavingRun:
    """Run once with the model of that seed; every second one is the critic too."""
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
            crash = f"crash: {type(error).__name__}: {error}"
            return MisbehavingRun([crash], "", time.monotonic() - began, max_seconds)
        took = time.monotonic() - began
    steps = max((step["step"] for step in result["trace"]), default=0)
    if max_tokens is not None and tally.tokens > max_tokens:
        trouble.append(f"over budget: {tally.tokens} tokens of {max_tokens}")
    if max_money is not None and tally.money > max_money:
        trouble.append(f"over budget: {tally.money} dollars of {max_money}")
    if steps > 12 or len(squares.requests) > (settings.max_generations or 5):
        trouble.append(f"over budget: {steps} steps, {len(squares.requests)} generations")
    if result["stop_reason"] == "done" and isinstance(tally.last, Unsound):
        trouble.append(f"silent end: {tally.last!r:.300}")
    if result["image"] is None and steps:
        trouble.append(f"no image: {result['stop_reason']}")
    made = [image for image in result["images"] if Path(image["path"]).is_file()]
    best = result["image"]
    if squares.requests and (best is None or len(made) < len(squares.requests) or best["score"] is None):
        trouble.append("lost image: made and not handed over")
    judges = {image["verdict"]["critic"] for image in made if image["verdict"]}
    if best is not None and len(judges) == 1 and best["score"] < max(image["score"] for image in made):
        trouble.append(f"worse image: {best['id']} is not the best of {len(made)}")
    return MisbehavingRun(trouble, result["stop_reason"], took, max_seconds)


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
