"""Use imagerag's graph as a node of a LangGraph program of your own.

python examples/as_subgraph.py "a lobster"
"""

import sys
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from imagerag.graphs import Settings, build_graph


class RunPrinter(TypedDict, total=False):
    """The parent's state: what it shares with the subgraph goes by the same names."""

    animal: str
    prompt: str
    image: Any
    verdict: Any
    stop_reason: str
    caption: str


def think(story: RunPrinter) -> RunPrinter:
    """Say what to draw."""
    return {"prompt": f"{story['animal']} in a kimono"}


def write(story: RunPrinter, runtime: Runtime[Settings]) -> RunPrinter:
    """Use what came back."""
    image = story["image"]
    if image is None:
        return {"caption": f"no picture: {story['stop_reason']}"}
    return {"caption": f"{story['prompt']}, score {image['score']:.2f}: {image['path']}"}


def build(**components: Any) -> Any:
    """Return the parent graph; the subgraph takes its settings from the same context and brings no checkpointer.

    Args:
        components: for ``build_graph``: a chat model, a critic, a generator of your own.
    """
    builder = StateGraph(RunPrinter, context_schema=Settings)
    builder.add_node("think", think)
    builder.add_node("draw", build_graph(checkpointer=None, **components))
    builder.add_node("write", write)
    builder.add_edge(START, "think")
    builder.add_edge("think", "draw")
    builder.add_edge("draw", "write")
    builder.add_edge("write", END)
    return builder.compile(checkpointer=InMemorySaver())


if __name__ == "__main__":
    animal = sys.argv[1] if len(sys.argv) > 1 else "a lobster"
    graph = build()
    config = {"configurable": {"thread_id": "story"}}
    # subgraphs=True: the steps of the drawing come through as they happen.
    for _, event in graph.stream({"animal": animal}, config, context=Settings(), stream_mode="custom", subgraphs=True):
        print(event["event"], file=sys.stderr)
    print(graph.get_state(config).values["caption"])
