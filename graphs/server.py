"""The graph that a LangGraph server serves; no checkpointer of its own, since the server brings one."""

from imagerag.graphs.agent_graph import build_graph

graph = build_graph(checkpointer=None)
