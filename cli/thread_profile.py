"""The profile that a thread began with, for commands that run nothing in it."""

from imagerag.settings import Settings


def profile_of_thread(settings: Settings) -> str | None:
    """Return the profile of the earlier turns of the thread that is named, if there is one with such; nothing is made.

    Raises:
        UserError: its checkpoints can't be read.
    """
    from imagerag.store.home import THREADS, home_path

    home = home_path(settings.home)
    if settings.thread is None or not (home / THREADS).is_file():
        return None
    from imagerag.graphs.agent_graph import build_graph
    from imagerag.graphs.checkpointer import open_checkpointer

    with open_checkpointer(home) as saver:
        state = build_graph(checkpointer=saver).get_state({"configurable": {"thread_id": settings.thread}})
        found: str | None = state.values.get("profile")
        return found
