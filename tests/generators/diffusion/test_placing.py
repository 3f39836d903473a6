"""Weights are placed beside what comes first, and nothing that is computed meanwhile is another for it."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from imagerag.embedders.clip import load_embedder
from imagerag.errors import UserError
from imagerag.generators.base import DrawRequest, PlacesWeights
from imagerag.generators.diffusion import drawing
from imagerag.generators.diffusion.memory import place
from imagerag.generators.diffusion.placing import Placing
from imagerag.generators.registry import load_generator
from imagerag.graphs import Settings, build_graph
from imagerag.index.search import CombinedIndex
from testing.family_requests import load_family
from testing.scripted import ScriptedCritic
from testing.tiny_clip import save_checkpoint

LONG = 60
"""Seconds after which what was to happen will not."""


def test_it_is_done_once_and_by_whoever_waits_if_nobody_has_begun() -> None:
    calls: list[str] = []
    placing = Placing(lambda: calls.append(threading.current_thread().name))
    assert not calls
    placing.finish()
    placing.finish()
    placing.begin()
    assert len(calls) == 1


def test_what_goes_wrong_is_raised_where_it_is_waited_for_and_tried_again() -> None:
    failures, placed = [UserError("it does not fit")], []

    def fails() -> None:
        if failures:
            raise failures.pop()
        placed.append(True)

    placing = Placing(fails)
    placing.begin()
    with pytest.raises(UserError, match="does not fit"):
        placing.finish()
    placing.finish()
    assert placed == [True]


def test_free_memory_is_told_only_once_it_is_known() -> None:
    from imagerag.devices import free_for_models

    gate, told = threading.Event(), threading.Event()
    placing = Placing(lambda: assert_(gate.wait(LONG)))
    placing.begin()

    def ask() -> None:
        free_for_models(torch.device("cpu"))
        told.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert not told.wait(0.05)
    gate.set()
    asking.join(LONG)
    assert told.is_set()


def assert_(true: bool) -> None:
    assert true


@pytest.mark.slow
def test_in_lookup_first_weights_are_placed_while_references_are_looked_up(
    family_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The placing waits for the look-up to begin, which in turn ends only when the placing has."""
    model = load_family(family_folder, "kontext").preset.model
    presets = tmp_path / "presets.toml"
    presets.write_text(
        f"[tiny]\nmodel = '{model}'\nfamily = 'edit'\nwidth = 32\nheight = 32\nsteps = 2\nmax_references = 3\n"
    )
    monkeypatch.setenv("IMAGERAG_PRESETS", str(presets))
    looking, placed = threading.Event(), threading.Event()
    usual, search = drawing.placed_or_less, CombinedIndex.search
    formats: list[torch.dtype] = []

    def slow(*arguments: Any) -> Any:
        assert looking.wait(LONG)
        formats.append(torch.get_default_dtype())
        mode = usual(*arguments)
        placed.set()
        return mode

    def watched(self: Any, *arguments: Any, **options: Any) -> Any:
        looking.set()
        formats.append(torch.get_default_dtype())
        assert placed.wait(LONG)
        return search(self, *arguments, **options)

    monkeypatch.setattr(drawing, "placed_or_less", slow)
    monkeypatch.setattr(CombinedIndex, "search", watched)

    def looked_up(generator: Any = None) -> list[tuple[str, float]]:
        graph = build_graph(generator=generator, critic=ScriptedCritic([0.99] * 3))
        parts: Any = {"profile": "pictograms", "generator": "tiny", "library": ("bundled",), "mode": "lookup_first"}
        settings = Settings(home=str(tmp_path), seed=1, max_generations=1, **parts)
        result = graph.invoke({"prompt": "a lobster"}, {"configurable": {"thread_id": "1"}}, context=settings)
        assert result["images"]
        return [(one["sha256"], one["similarity"]) for one in result["references"]]

    load_generator.cache_clear()
    beside = looked_up()
    assert beside
    assert looked_up(load_generator("tiny")) == beside  # whose weights are placed where it draws
    assert set(formats) == {torch.float32}


@pytest.mark.slow
def test_embeddings_are_the_same_to_the_bit_while_weights_are_placed(family_folder: Path, tmp_path: Path) -> None:
    embedder = load_embedder(f"open_clip:local-dir:{save_checkpoint(tmp_path / 'clip', 1)}", "cpu")
    pipeline = load_family(family_folder, "flux").pipeline
    alone = embedder.embed_texts(["a lobster", "an owl"])
    stop = threading.Event()

    def move() -> None:
        while not stop.is_set():
            for mode in ("full", "offload", "full"):
                place(pipeline, torch.device("cpu"), mode)  # type: ignore[arg-type]

    moving = threading.Thread(target=move)
    moving.start()
    try:
        for _ in range(20):
            assert np.array_equal(embedder.embed_texts(["a lobster", "an owl"]), alone)
    finally:
        stop.set()
        moving.join(LONG)


@pytest.mark.slow
def test_drawing_places_by_itself(family_folder: Path) -> None:
    generator = load_family(family_folder, "sd15")
    assert isinstance(generator, PlacesWeights)
    assert not generator.is_placed
    generator.begin_placing()
    generator.draw(DrawRequest("an owl", (1,)))
    assert generator.is_placed
