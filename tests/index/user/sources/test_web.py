"""A library filled from a web source: licence, whom to thank and origin are kept with each picture."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.errors import UserError
from imagerag.index.search import CombinedIndex
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.store import UserPictures
from testing.colour_library import HUES, ColourEmbedder
from testing.web_server import Web, Work, as_json, patterned, serving_web, sources_at


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """Fifty red kites, every other one of a licence that is not allowed."""
    works = [
        Work(f"kite-{number}", f"red kite {number}", patterned(HUES["red"], number, 64), ("by", "by-nc")[number % 2])
        for number in range(50)
    ]
    with serving_web(works) as served:
        for name, address in sources_at(served, "openverse", "commons").items():
            monkeypatch.setenv(name, address)
        yield served


def test_as_many_as_are_wanted_are_added_with_all_that_is_known(web: Web, tmp_path: Path) -> None:
    own = UserPictures(tmp_path, ColourEmbedder())
    outcome = own.add(["commons:red  kite"], reading=ReadOptions(most=22))
    assert (outcome.added, outcome.skipped) == (22, [])
    known = own.snapshot().table.to_pylist()
    assert {row["licence"] for row in known} == {"CC-BY-4.0"}
    assert {row["creator"] for row in known} == {"Jane Roe"}
    assert {row["source"] for row in known} == {"Wikimedia Commons"}
    assert known[0]["link"] == "https://commons.wikimedia.org/wiki/File:kite-0.png"
    (hits,) = CombinedIndex(None, [own]).search(["red"], 1)
    assert (hits[0].creator, hits[0].licence_link) == ("Jane Roe", "https://creativecommons.org/licenses/by/4.0/")
    before = len([one for one in web.asked if one.path.startswith("/pictures/")])
    again = own.add(["commons:red kite"], reading=ReadOptions(most=22))
    assert (again.added, again.unchanged) == (0, 22)
    assert len([one for one in web.asked if one.path.startswith("/pictures/")]) == before
    web.works = web.works[:3]
    assert own.add(["commons:red kite"], reading=ReadOptions(most=22)).removed == 0


def test_pages_that_lie_and_pictures_that_fail_are_told_and_end(web: Web, tmp_path: Path) -> None:
    rows = json.loads(_first_page(web))["results"]
    web.faults["/v1/images/"] = lambda request: as_json({"result_count": 10_000, "page_count": 500, "results": rows})
    web.faults["/pictures/kite-2.png"] = lambda _: (404, {}, b"")
    own = UserPictures(tmp_path, ColourEmbedder())
    outcome = own.add(["openverse:red kite"], reading=ReadOptions(most=200))
    assert outcome.added == 9
    (skipped,) = outcome.skipped
    assert "status 404" in skipped["reason"]


def _first_page(web: Web) -> bytes:
    from urllib.request import urlopen

    with urlopen(f"{web.url}/v1/images/?q=red+kite&page_size=20") as answer:
        data: bytes = answer.read()
    web.asked.clear()
    return data


@pytest.mark.parametrize(
    ("source", "reading", "says"),
    [
        ("openverse: ", ReadOptions(), "names nothing to look for"),
        ("openverse:kite", ReadOptions(offline=True), "leave --offline out"),
        ("openverse:kite", ReadOptions(most=0), "--max 0 is below 1"),
    ],
)
def test_what_is_of_no_use_is_refused(web: Web, tmp_path: Path, source: str, reading: ReadOptions, says: str) -> None:
    with pytest.raises(UserError, match=says):
        UserPictures(tmp_path, ColourEmbedder()).add([source], reading=reading)
    assert web.asked == []


def test_a_source_that_refuses_is_one_line(web: Web, tmp_path: Path) -> None:
    web.faults["/v1/images/"] = lambda _: as_json({}, 429, retry_after="30")
    with pytest.raises(UserError, match="asks to be left alone for 30 seconds"):
        UserPictures(tmp_path, ColourEmbedder()).add(["openverse:red kite"], reading=ReadOptions())


@pytest.mark.slow
def test_the_command_adds_and_refuses_a_library_named_like_a_source(
    web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path), "--json"]
    assert run(["index", "add", "openverse:red kite", "--max", "3", "--licences", "by-nc", *home]) == 0
    assert json.loads(capsys.readouterr().out)["added"] == 3
    assert run(["index", "add", "openverse:red kite", "--library", "commons", *home]) == 2
    assert "has the name of a web source" in capsys.readouterr().out
