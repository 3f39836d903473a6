"""The graph that a LangGraph server serves.

It has no checkpointer of its own, since the server brings one, and takes no paths, since its clients are elsewhere.
"""

from imagerag.graphs.agent_graph import build_graph

graph = build_graph(checkpointer=None, allow_paths=False)
