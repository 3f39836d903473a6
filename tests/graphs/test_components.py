"""What of a run's parts counts as loading: it takes time of its own, and none of the run's."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.registry import load_critic
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.embedders import registry
from imagerag.embedders.calibration import LookupFloor, bundled_calibration
from imagerag.embedders.registry import embedded_clip
from imagerag.graphs.components import Components
from imagerag.index import null_calibration
from imagerag.index.base import PLAIN_SEARCH, Hit, SearchOptions
from imagerag.index.plugin_search import SearchService
from imagerag.index.search import CombinedIndex
from imagerag.settings import Settings
from testing.colour_library import ColourEmbedder
from testing.machines import machine, run_on

TOOK = 0.2


def later(value: Any) -> Any:
    time.sleep(TOOK)
    return value


@pytest.fixture
def loading() -> Any:
    """The seconds that a run's meter has entered as loading."""
    entered: list[float] = []
    with using_meter(UsageMeter(enter_loading=entered.append)):
        yield entered


@pytest.mark.slow
def test_the_model_that_compares_with_a_subject_is_loaded_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loading: list[float]
) -> None:
    embedder = embedded_clip()
    monkeypatch.setattr(registry, "clip_model", lambda name, device: later(embedder))
    reranker = Components(Settings(home=str(tmp_path), rerank="subject")).reranker
    assert reranker is not None
    shown = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    assert reranker.rerank(["a square"], [shown], []) == [[0, 1]]
    assert sum(loading) < TOOK, "without a subject nothing is compared"
    assert reranker.rerank(["a square"], [shown], [shown[1]])[0][0] in (0, 1)
    assert sum(loading) >= TOOK


class Nothing:
    """A search service that finds nothing."""

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        return [[] for _ in captions]

    def image(self, sha256: str) -> Image.Image:
        raise AssertionError(sha256)


@pytest.mark.parametrize(("floor", "fitted"), [("calibrated", True), (0.3, False)])
def test_the_floor_of_a_search_service_is_fitted_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loading: list[float], floor: Any, fitted: bool
) -> None:
    service = SearchService(Nothing(), ColourEmbedder(), lambda: later(LookupFloor("cosine", 0.5)), floor)
    monkeypatch.setattr(
        "imagerag.graphs.components.open_index", lambda *given: CombinedIndex(None, services=[service], floor=floor)
    )
    index = Components(Settings(home=str(tmp_path))).index
    assert (sum(loading) >= TOOK) is fitted
    before = list(loading)
    assert index.search(["an owl"], 1) == [[]]
    assert loading == before


@pytest.mark.slow
def test_a_critic_is_calibrated_and_knows_its_words_before_it_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loading: list[float]
) -> None:
    monkeypatch.setattr(null_calibration, "null_calibration", lambda embedder: later(bundled_calibration()))
    load_critic.cache_clear()
    critic: Any = Components(Settings(home=str(tmp_path), critic="clip:embedded")).critic
    load_critic.cache_clear()
    assert sum(loading) >= TOOK
    assert "bank" in critic.eyes.__dict__, "the words are embedded"


def test_each_part_tells_about_how_much_it_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected: list[int] = []

    @contextmanager
    def watched(report: Any, total: int = 0) -> Iterator[None]:
        expected.append(total)
        yield

    run_on(monkeypatch, machine("cuda", 48))
    for name, value in {
        "downloads_watched": watched,
        "load_writer": lambda *given: None,
        "open_index": lambda *given: CombinedIndex(None),
    }.items():
        monkeypatch.setattr(f"imagerag.graphs.components.{name}", value)
    monkeypatch.setattr(registry, "clip_model", lambda name, device: None)
    components = Components(Settings(home=str(tmp_path), profile="local"))
    _ = components.writer, components.index, components._lookup_clip()
    assert [total for total in expected if total] == pytest.approx([17.54e9, 1.5e9, 1.5e9])
