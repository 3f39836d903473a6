"""A run of the graph, told step by step."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from imagerag.credentials import without_credentials
from imagerag.devices import out_of_memory_told

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from imagerag.graphs.assembly import Graph
    from imagerag.settings import Settings


def stream_run(
    graph: "Graph", request: Any, config: "RunnableConfig", settings: "Settings", tell: Callable[[Any], None]
) -> Any:
    """Run the graph to its end, or to where it asks the person, and return the last values of its state.

    Args:
        graph: to run.
        request: its input, or LangGraph's ``Command`` to go on with.
        config: names the thread.
        settings: the run's settings.
        tell: called with each event as it happens. What it raises ends the run, after the threads that write its
            checkpoints have ended: a caller that closes the checkpointer then would pull it away under them.

    Raises:
        UserError: only the person can go on from there; so it is where memory ran out in a part that has no other way.
    """
    try:
        return _streamed(graph, request, config, settings, tell)
    except Exception as error:
        if (told := out_of_memory_told(error)) is not None:
            raise told from error
        raise


def _streamed(
    graph: "Graph", request: Any, config: "RunnableConfig", settings: "Settings", tell: Callable[[Any], None]
) -> Any:
    values: Any = None
    stream = graph.stream(request, config=config, context=settings, stream_mode=["custom", "values"])
    with contextlib.closing(cast("Any", stream)) as chunks:
        for kind, chunk in chunks:
            if kind == "custom":
                tell(_cleaned(chunk))
            else:
                values = chunk
    return values


def _cleaned(event: Any) -> Any:
    """Return an event whose words hold no credentials: they are told, kept and reported."""
    if not isinstance(event, dict) or not isinstance(event.get("text"), str):
        return event
    return {**event, "text": without_credentials(event["text"])}
