"""An operator's check of pictures, before anything fetched or drawn is shown."""

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag import plugins
from imagerag.errors import DrawingRefused, UserError
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.index.web.registry import open_web_source
from imagerag.index.web.web_index import WebIndex
from imagerag.settings import Settings
from imagerag.store.moderation import is_moderated, refusal
from imagerag.tools.session import ToolSession
from testing.colour_library import HUES, ColourEmbedder
from testing.scripted import Squares
from testing.web_server import Work, patterned, serving_web, sources_at


def no_reds(picture: Image.Image, kind: str) -> str:
    red, green, _ = picture.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    return f"too red,\nfor one that was {kind}" if red > 100 > green else ""


def broken(picture: Image.Image, kind: str) -> str:
    raise RuntimeError("no model")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Installs a function of this module as the check."""

    def make(function: str) -> None:
        def entry_points(group: str) -> list[EntryPoint]:
            named = EntryPoint("reds", f"{__name__}:{function}", group)
            return [named] if group == "imagerag.moderations" else []

        monkeypatch.setattr(plugins, "entry_points", entry_points)
        plugins._entry_points.cache_clear()

    yield make
    plugins._entry_points.cache_clear()


def test_what_is_refused_is_told_with_its_reason(install: Callable[[str], None]) -> None:
    assert not is_moderated()
    install("no_reds")
    assert is_moderated()
    assert refusal(Image.new("RGB", (4, 4), "red"), "drawn") == "reds: too red, for one that was drawn"
    assert refusal(Image.new("RGB", (4, 4), "blue"), "drawn") == ""


def test_a_check_that_fails_lets_nothing_through(install: Callable[[str], None]) -> None:
    install("broken")
    with pytest.raises(UserError, match=r"'reds' of the package .* failed .*no model"):
        refusal(Image.new("RGB", (4, 4), "blue"), "drawn")


def test_a_drawing_that_is_refused_is_neither_stored_nor_shown(install: Callable[[str], None], tmp_path: Path) -> None:
    install("no_reds")
    told: list[Any] = []
    session = ToolSession(
        Components(Settings(home=str(tmp_path)), InjectedComponents(generator=Squares())), emit=told.append, n=2
    )
    with pytest.raises(DrawingRefused, match="reds: too red, for one that was drawn"):
        session.draw("an owl", seed=150)
    assert not list((tmp_path / "images").rglob("*.png"))
    assert not [event for event in told if event["event"] in ("images", "preview")]
    (one,) = session.draw("an owl", seed=100)  # of two, whose red is 100 and 101
    assert one["seed"] == 100
    assert any("reds: too red" in event.get("text", "") for event in told)


def test_a_picture_of_the_web_that_is_refused_is_not_taken(
    install: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("no_reds")
    works = [
        Work("red", "a blue bird", patterned(HUES["red"], 1)),
        Work("blue", "a blue bird", patterned(HUES["blue"], 2)),
    ]
    with serving_web(works) as web:
        for name, address in sources_at(web, "openverse").items():
            monkeypatch.setenv(name, address)
        index = WebIndex([open_web_source("openverse")], tmp_path, ColourEmbedder(), None)
        (hits,) = index.search(["a blue bird"], 3)
    assert [hit.link.rpartition("/")[2] for hit in hits] == ["blue"]
