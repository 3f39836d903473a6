"""Runs of the agent's graph by a chat model on a server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.openai_server import OpenAIServer
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf


def run_served(server: OpenAIServer, home: Path, scores: Sequence[float] = (0.5,) * 9, **settings: Any) -> Any:
    """Run one turn with the server's model, real graph and files, and quick engines."""
    graph = build_graph(critic=ScriptedCritic(scores), generator=Squares(), index=Shelf())
    context = Settings(**{"home": str(home), "vlm": server.name, **settings})
    return graph.invoke({"prompt": "an owl", "seed": 7}, {"configurable": {"thread_id": "t"}}, context=context)


def run_recorded(home: Path, scores: Sequence[float] = (0.5,) * 9, **settings: Any) -> Any:
    """Run one turn under a seed of its own."""
    critic = None if settings.get("critic") else ScriptedCritic(scores)
    graph = build_graph(critic=critic, generator=Squares(), index=Shelf())
    context = Settings(**{"home": str(home), **settings})
    return graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=context)
