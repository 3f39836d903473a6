"""An operator's check of pictures, before anything fetched or drawn is shown."""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagerag import plugins
from imagerag.cli.main import run
from imagerag.errors import Cancelled, DrawingRefused, InvalidArgument, UserError
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.index.base import SearchOptions
from imagerag.index.moderated_service import ModeratedService
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.sources.urls import UrlFetcher
from imagerag.index.user.store import UserPictures
from imagerag.index.web.registry import open_web_source
from imagerag.index.web.web_index import WebIndex
from imagerag.interruptible import using_check
from imagerag.server.api_error import ApiError
from imagerag.server.uploads import picture_at
from imagerag.settings import Settings
from imagerag.store import moderation
from imagerag.store.moderation import is_moderated, refusal, refusal_of_file
from imagerag.store.png import encode_png
from imagerag.tools.session import ToolSession
from testing.colour_library import HUES, ColourEmbedder
from testing.scripted import Squares
from testing.servers import Shelf
from testing.web_server import Work, patterned, serving_web, sources_at


def no_reds(picture: Image.Image, kind: str) -> str:
    red, green, _ = picture.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    return f"too red,\nfor one that was {kind}" if red > 100 > green else ""


def nothing(picture: Image.Image, kind: str) -> str:
    return "never"


def broken(picture: Image.Image, kind: str) -> str:
    raise RuntimeError("no model")


def leaving(picture: Image.Image, kind: str) -> str:
    sys.exit("a package's own")


def interrupting(picture: Image.Image, kind: str) -> str:
    raise KeyboardInterrupt


def hanging(picture: Image.Image, kind: str) -> str:
    threading.Event().wait(60)
    return ""


class Untold(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def untold(picture: Image.Image, kind: str) -> str:
    raise Untold


def saying_true(picture: Image.Image, kind: str) -> Any:
    return True


def saying_numbers(picture: Image.Image, kind: str) -> Any:
    return np.zeros(3)


def saying_nothing(picture: Image.Image, kind: str) -> Any:
    return None


def shrinking(picture: Image.Image, kind: str) -> str:
    picture.thumbnail((2, 2))
    picture.close()
    return ""


def telling_all(picture: Image.Image, kind: str) -> str:
    return "see /home/someone/list.txt and http://user:word@host/?key=KEY"


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


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ("leaving", "failed .SystemExit"),
        ("interrupting", "failed .KeyboardInterrupt"),
        ("untold", "failed .Untold"),
        ("saying_true", "returns bool, no text"),
        ("saying_numbers", "returns ndarray, no text"),
    ],
)
def test_whatever_a_check_does_nothing_passes_and_one_line_tells_so(
    check: str, says: str, install: Callable[[str], None]
) -> None:
    install(check)
    with pytest.raises(UserError, match=f"'reds' of the package .* {says}"):
        refusal(Image.new("RGB", (4, 4), "blue"), "drawn")


def test_a_check_that_hangs_is_left_after_a_time_and_with_its_run(
    install: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("hanging")
    monkeypatch.setattr(moderation, "SECONDS", 0.2)
    with pytest.raises(UserError, match=r"gives no answer within 0\.2 s"):
        refusal(Image.new("RGB", (4, 4), "blue"), "drawn")
    monkeypatch.setattr(moderation, "SECONDS", 60.0)
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() > began + 0.2:
            raise Cancelled

    with using_check(check), pytest.raises(Cancelled):
        refusal(Image.new("RGB", (4, 4), "blue"), "drawn")
    assert time.monotonic() - began < 10


def test_a_check_may_change_its_copy_and_say_nothing_at_all(install: Callable[[str], None]) -> None:
    install("shrinking")
    picture = Image.new("RGB", (4, 4), "blue")
    assert refusal(picture, "drawn") == ""
    assert picture.size == (4, 4)
    assert picture.getpixel((3, 3)) == (0, 0, 255)
    install("saying_nothing")
    assert refusal(picture, "drawn") == ""


def test_a_reason_is_told_without_folders_and_credentials(install: Callable[[str], None]) -> None:
    install("telling_all")
    assert refusal(Image.new("RGB", (4, 4)), "drawn") == "reds: see list.txt and http://host/?key=[hidden]"


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
        told: list[str] = []
        WebIndex([open_web_source("openverse")], tmp_path / "other", ColourEmbedder(), None).search(
            ["a blue bird"], 3, SearchOptions(tell=told.append)
        )
    assert [hit.link.rpartition("/")[2] for hit in hits] == ["blue"]
    assert any(
        "is not used, since it may not be shown (reds: too red, for one that was fetched)" in line for line in told
    )


def file_of(colour: str) -> bytes:
    return encode_png(Image.new("RGB", (32, 32), colour))


def test_a_file_that_cannot_be_decoded_is_left_to_whoever_reads_it(install: Callable[[str], None]) -> None:
    assert refusal_of_file(file_of("red"), "fetched") == ""
    install("no_reds")
    assert refusal_of_file(file_of("red"), "fetched").startswith("reds: ")
    assert refusal_of_file(b"no picture", "fetched") == ""


def test_what_is_added_to_a_library_is_checked_where_it_was_fetched(
    install: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("no_reds")
    works = [Work(name, f"{name} bird", patterned(HUES[name], at)) for at, name in enumerate(("red", "blue"))]
    with serving_web(works) as web:
        for name, address in sources_at(web, "openverse").items():
            monkeypatch.setenv(name, address)
        told: list[str] = []
        own = UserPictures(tmp_path, ColourEmbedder())
        outcome = own.add(["openverse:bird"], reading=ReadOptions(home=tmp_path, tell=told.append))
        again = own.add(["openverse:bird"], reading=ReadOptions(home=tmp_path, tell=told.append))
    assert (outcome.added, again.unchanged) == (1, 1)
    assert "may not be shown (reds: too red" in outcome.skipped[0]["reason"]
    assert told[0] == 'asking openverse on the web for "bird"; these captions are all that is sent'
    assert len([line for line in told if line.startswith("first use of openverse")]) == 1
    fetcher = UrlFetcher(tmp_path / "kept", True, lambda url: file_of("red"))
    item = fetcher.item("https://x.org/a.png", "https://x.org/a.png", "CC0", {}, lambda item: True)
    assert "may not be shown (reds: too red" in item.problem
    assert not list((tmp_path / "kept").rglob("*"))


def test_what_a_client_names_by_address_is_checked(
    install: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("no_reds")

    async def fetched(url: str) -> bytes:
        return file_of("red" if "red" in url else "blue")

    monkeypatch.setattr("imagerag.server.uploads.fetch", fetched)
    service: Any = None

    def asked(url: str) -> bytes:
        return asyncio.run(picture_at(service, "someone", url, frozenset(), may_fetch=True))

    assert asked("https://x.org/blue.png") == file_of("blue")
    with pytest.raises(ApiError, match="may not be used"):
        asked("https://x.org/red.png")


class Painted(Shelf):
    """A search service whose first picture is red."""

    def image(self, sha256: str) -> Image.Image:
        return Image.new("RGB", (8, 8), "red" if int(sha256, 16) == 0 else "blue")


def test_of_a_search_service_of_a_package_some_pictures_are_left_out(install: Callable[[str], None]) -> None:
    told: list[str] = []
    service = ModeratedService(Painted(), "archive")
    assert len(service.search(["a bird"], 2)[0]) == 2, "nobody checks"
    install("no_reds")
    (hits,) = service.search(["a bird"], 2, SearchOptions(tell=told.append))
    assert [int(hit.sha256, 16) for hit in hits] == [1]
    assert told == [
        "a picture of archive is not used, since it may not be shown (reds: too red, for one that was fetched)"
    ]
    with pytest.raises(InvalidArgument, match="may not be shown"):
        service.image("0" * 64)


def test_a_drawing_is_not_drawn_again_where_it_may_not_be_shown(
    install: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--home", str(tmp_path), "--seed", "1", "--mode", "no_lookup", "--no-copy", "--json"]
    assert run(["draw", "a tomato", *options]) in (0, 1)
    drawn = json.loads(capsys.readouterr().out)["image"]
    install("nothing")
    assert run(["replay", drawn, "--home", str(tmp_path)]) == 2
    assert "is not drawn again: the drawing may not be shown (reds: never)" in capsys.readouterr().err
