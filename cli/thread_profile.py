"""What a thread began with and goes on with, for commands that run nothing in it."""

from collections.abc import Mapping
from typing import Any

from imagerag.settings import Settings


def profile_of_thread(settings: Settings) -> str | None:
    """Return the profile of the earlier turns of the thread that is named, if there is one with such; nothing is made.

    Raises:
        UserError: its checkpoints can't be read.
    """
    found: str | None = _state(settings).get("profile")
    return found


def size_of_thread(settings: Settings) -> str:
    """Return the size or aspect ratio of the last turn of the thread that is named; empty where it has none.

    Raises:
        UserError: its checkpoints can't be read.
    """
    return str(_state(settings).get("run_size") or "")


def _state(settings: Settings) -> Mapping[str, Any]:
    from imagerag.store.home import THREADS, home_path

    home = home_path(settings.home)
    if settings.thread is None or not (home / THREADS).is_file():
        return {}
    from imagerag.graphs.agent_graph import build_graph
    from imagerag.graphs.checkpointer import open_checkpointer

    with open_checkpointer(home) as saver:
        values: Mapping[str, Any] = (
            build_graph(checkpointer=saver).get_state({"configurable": {"thread_id": settings.thread}}).values
        )
        return values
