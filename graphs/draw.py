"""One line of Python for one picture: the graph over the data directory, as the command line runs it."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.graphs.result import Result
from imagerag.settings import DECLARED, Settings, load_settings
from imagerag.table_faults import meant

_IN_ADDITION = ("cancel",)


def draw(
    prompt: str,
    *,
    thread: str | None = None,
    on_event: Callable[[Mapping[str, Any]], None] | None = None,
    config: str | Path | None = None,
    **settings: Any,
) -> Result:
    """Draw a prompt and return the outcome.

    Args:
        prompt: what to draw, or with ``thread`` what to change.
        thread: the conversation to begin or to go on with, as the command line's ``--thread``; a new one unless given.
        on_event: called with each event of the run as it happens (``imagerag.graphs.events``).
        config: settings file in TOML.
        settings: any setting by its name (``imagerag.settings.Settings``): ``seed=7``, ``size="1024x768"``, ``n=4``;
            what is not given comes from variables and the file. ``cancel`` is an event that stops the run.

    Returns:
        What ``build_graph().invoke`` returns, with ``thread`` and ``notes``.

    Raises:
        UserError: a setting that there isn't, or of no use, or something else that only the person can put right.
        Cancelled: the run was stopped before it began.
    """
    from imagerag.graphs.agent_graph import build_graph
    from imagerag.graphs.checkpointer import open_checkpointer
    from imagerag.graphs.streaming import stream_run
    from imagerag.store.home import home_directory

    asked = _settings(settings | ({"thread": thread} if thread is not None else {}), config)
    name = asked.thread or f"run-{secrets.token_hex(4)}"
    notes: list[str] = []

    def tell(event: Any) -> None:
        if event["event"] == "note":
            notes.append(event["text"])
        if on_event is not None:
            on_event(event)

    with open_checkpointer(home_directory(asked.home)) as saver:
        graph = build_graph(checkpointer=saver)
        values = stream_run(graph, {"prompt": prompt}, {"configurable": {"thread_id": name}}, asked, tell)
    return Result(values, thread=name, notes=notes)


def _settings(given: Mapping[str, Any], config: str | Path | None) -> Settings:
    known = [*DECLARED, *_IN_ADDITION]
    for name in given:
        if name not in known:
            raise UserError(f"draw takes no setting {name!r}; {meant(name, known)}")
    flags = {name: _several(name, value) for name, value in given.items() if name in DECLARED}
    settings = load_settings(flags, file=Path(config) if config is not None else None)
    return dataclasses.replace(settings, **{name: given[name] for name in _IN_ADDITION if name in given})


def _several(name: str, value: Any) -> Any:
    """Return a value of a setting that takes several as a tuple: ``subject="me.png"`` is one."""
    if DECLARED[name].kind is not tuple or value is None:
        return value
    one = isinstance(value, str | Path)
    return tuple(map(str, [value] if one else value))
