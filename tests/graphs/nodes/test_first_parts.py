"""The parts that a run needs, loaded before anything is drawn."""

import threading
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import SquaresWithoutReferences, thread


@pytest.mark.parametrize("settings", [{"mode": "lookup_first"}, {"subject": ("mine.png",)}])
def test_what_a_generator_without_references_cannot_do(tmp_path: Path, settings: dict[str, Any]) -> None:
    graph = build_graph(generator=SquaresWithoutReferences())
    with pytest.raises(UserError, match=r"takes no reference images, so --.* is of no use"):
        graph.invoke({"prompt": "an owl"}, thread(), context=Settings(home=str(tmp_path), **settings))


@pytest.mark.parametrize("stop", ["loading", "cancelled"])
def test_a_driver_that_takes_too_long_to_load_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    ended, cancel = threading.Event(), threading.Event()

    def load(name: str, settings: Any) -> Any:
        if stop == "cancelled":
            cancel.set()
        return ended.wait(30)

    monkeypatch.setattr("imagerag.graphs.components.load_driver", load)
    settings = Settings(
        home=str(tmp_path),
        profile="pictograms",
        vlm="transformers:somebody/vlm",
        max_loading_seconds=0.2 if stop == "loading" else 60,
        cancel=cancel,
    )
    graph = build_graph(critic=ScriptedCritic([0.9]), generator=(squares := Squares()))
    try:
        result = graph.invoke({"prompt": "an owl"}, thread(), context=settings)
    finally:
        ended.set()
    assert (result["stop_reason"], result["image"], squares.requests) == (stop, None, [])
    assert result["messages"][0].text == "an owl"
