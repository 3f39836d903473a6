"""What every images API does: it draws, with references too, refuses, is throttled, charges, and stops when told to."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from imagerag.chat_models.pricing import PRICES, load_pricing
from imagerag.errors import Cancelled, DrawingRefused
from imagerag.generators.base import DrawControl, Drawing, DrawRequest, Reference
from imagerag.generators.registry import IMAGES_APIS, load_generator
from imagerag.generators.remote import job_polling
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.images_apis import BUSY, PREFIXES, ScriptedApi, api_server
from testing.scripted import ScriptedCritic


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_polling, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(job_polling, "LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(job_polling, "GRACE", 0.3)


def draw(api: ScriptedApi, *references: Reference, check: Callable[[], None] | None = None) -> list[Drawing]:
    load_generator.cache_clear()
    request = DrawRequest("an owl", (1,), references)
    return load_generator(api.name).draw(request, DrawControl(stop_check=check))


def draws(api: ScriptedApi, home: Path) -> None:
    (drawing,) = draw(api)
    assert drawing.image.size == (32, 32)
    assert (api.submissions(), api.references()) == (1, 0)


def draws_with_a_reference(api: ScriptedApi, home: Path) -> None:
    (drawing,) = draw(api, Reference(Image.new("RGB", (40, 30), "red"), "thing"))
    assert "thing (image 1)" in str(drawing.facts["words"])
    assert (api.submissions(), api.references()) == (1, 1)


def refuses(api: ScriptedApi, home: Path) -> None:
    api.refuse()
    with pytest.raises(DrawingRefused, match="safety system of"):
        draw(api)
    assert api.submissions() == 1, "what is refused is not asked for again"


def is_throttled(api: ScriptedApi, home: Path) -> None:
    api.first += BUSY
    assert draw(api)
    assert api.submissions() == 3


def charges(api: ScriptedApi, home: Path) -> None:
    (home / "prices.toml").write_text(f'"{api.name}" = {api.price}', encoding="utf-8")
    load_pricing.cache_clear()
    load_generator.cache_clear()
    asked = Settings(home=str(home / "home"), generator=api.name, vlm="rules", mode="no_lookup", max_money=0.5)
    graph = build_graph(critic=ScriptedCritic([0.9]))
    result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=asked)
    assert sum(step["money"] for step in result["trace"]) == pytest.approx(api.cost)
    assert api.submissions() == 1


def stops(api: ScriptedApi, home: Path) -> None:
    held = threading.Event()
    api.first.append(held)

    def check() -> None:
        if api.submitting.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        draw(api, check=check)
    assert not held.is_set(), "the server is still at it"
    held.set()


@pytest.mark.parametrize("behaves", [draws, draws_with_a_reference, refuses, is_throttled, charges, stops])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_images_api(
    prefix: str, behaves: Callable[[ScriptedApi, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRICES, str(tmp_path / "prices.toml"))
    (tmp_path / "prices.toml").write_text("", encoding="utf-8")
    load_pricing.cache_clear()
    with api_server(prefix) as api:
        behaves(api, tmp_path)


def test_none_is_left_out() -> None:
    assert set(PREFIXES) == set(IMAGES_APIS)
