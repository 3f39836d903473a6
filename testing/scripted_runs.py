"""Runs of the agent's graph by a scripted model and critic."""

from pathlib import Path
from typing import Any

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.state import Input
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, ScriptedModel, Squares

GENERATE = [("generate", {"prompt": "an owl"})]


def thread(name: str = "t") -> Any:
    return {"configurable": {"thread_id": name}}


def run_scripted(
    tmp_path: Path, script: list[Any], scores: list[float], request: Input | None = None, **settings: Any
) -> Any:
    """Run one turn with a scripted model and critic; the rest is real."""
    graph = build_graph(
        chat_model=ScriptedModel(script=script, seen=[], offered=[], tokens=settings.pop("tokens", 0)),
        critic=ScriptedCritic(scores),
        generator=settings.pop("generator", None) or Squares(),
    )
    context = Settings(home=str(tmp_path), **settings)
    return graph.invoke(request or {"prompt": "an owl", "seed": 7}, thread(), context=context)


class SquaresWithoutReferences(Squares):
    name, max_references, makes = "words-only", 0, "pictograms"
