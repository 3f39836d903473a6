"""Runs of the agent's graph with tools of other MCP servers."""

import sys
from pathlib import Path
from typing import Any

import pytest

from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from imagerag.store.images import ImageStore
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.servers import Shelf

pytest.importorskip("mcp")
STDIO = f"{sys.executable} -m testing.mcp_server stdio"


class MountedRun:
    """One run of the graph with other servers' tools."""

    def __init__(self, tmp_path: Path, script: list[Any], server: str, allow: str, **settings: Any) -> None:
        self.model = ScriptedModel(script=script, seen=[], offered=[])
        self.generator = Squares()
        self.home = tmp_path / "home"
        graph = build_graph(
            chat_model=self.model,
            critic=ScriptedCritic([0.3] * 9),
            generator=self.generator,
            index=Shelf(),
            store=ImageStore(self.home),
        )
        context = Settings(
            home=str(self.home), mcp_server=(server,), mcp_allow=tuple(allow.split(",")) if allow else (), **settings
        )
        self.result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=context)

    def told(self, name: str) -> Any:
        """Return the result of that tool that the model was told last."""
        return [message for message in self.model.seen[-1] if message.type == "tool" and message.name == name][-1]
