"""A library filled from a web source: licence, whom to thank and origin are kept with each picture."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.errors import UserError
from imagerag.index.search import CombinedIndex
from imagerag.index.user.sources import registry
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.store import UserPictures
from imagerag.index.web.candidates import Ask, Candidate, WebQuery
from imagerag.store.png import encode_png
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
        ("mcp:kite", ReadOptions(), "of which none is named here"),
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


class Handed:
    """A search without pages that hands over pictures themselves, as one of a mounted MCP server may."""

    address, address_is_set, most_at_once = "", False, 200

    def __init__(self, name: str, count: int) -> None:
        self.name, self.asked = name, list[WebQuery]()
        pictures = [patterned(HUES["red"], number, 64) for number in range(count)]
        self.files = [encode_png(one.convert("RGBA")) for one in pictures]

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        self.asked.append(query)
        if query.page > 1:
            return []
        return [
            Candidate("mcp:s/t", "", "", f"kite {number}", ("CC-BY-4.0", "unknown")[number % 5 == 4], "Jane", data=data)
            for number, data in enumerate(self.files)
        ][: query.count]


def test_a_mounted_search_without_pages_is_asked_for_all_at_once(tmp_path: Path) -> None:
    made: list[Handed] = []

    def mcp(name: str) -> Handed:
        made.append(Handed(name, 50))
        return made[-1]

    own = UserPictures(tmp_path, ColourEmbedder())
    for source, name in (("mcp:red  kite", "mcp"), ("mcp:photos:red kite", "mcp:photos")):
        outcome = own.add([source], reading=ReadOptions(most=30, mcp=mcp))
        assert made[-1].name == name
        assert [(one.words, one.count) for one in made[-1].asked][:1] == [("red kite", 30)]
        assert outcome.added == 24, "of thirty, six have no licence"
    rows = own.snapshot().table.to_pylist()
    assert {(row["licence"], row["creator"], row["source"]) for row in rows} == {("CC-BY-4.0", "Jane", "mcp:s/t")}
    assert own.add(["mcp:red kite"], reading=ReadOptions(most=30, mcp=mcp)).unchanged == 24
    (hits,) = CombinedIndex(None, [own]).search(["red"], 1)
    assert own.image(hits[0].sha256).size == (64, 64)


def test_a_source_of_somebody_elses_fills_a_library_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "installed", lambda group: {"shelf": None} if group == "searches" else {})
    monkeypatch.setattr(registry, "make", lambda group, name, home: Handed(name, 3) if group == "searches" else None)
    own = UserPictures(tmp_path, ColourEmbedder())
    assert own.add(["shelf:red kite"], reading=ReadOptions(home=tmp_path)).added == 3
    monkeypatch.setattr(registry, "make", lambda group, name, home: object())
    with pytest.raises(UserError, match="'shelf' is a search service that gives no pictures away"):
        own.add(["shelf:red kite"], reading=ReadOptions(home=tmp_path))


@pytest.mark.slow
def test_the_command_fills_a_library_from_a_mounted_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mcp")
    server, home = f"{sys.executable} -m testing.mcp_server stdio", ["--home", str(tmp_path), "--json"]
    assert run(["index", "add", "mcp:museum:red kite", "--mcp-server", server, *home]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["added"] == 1, "of three, two have no licence that is allowed"
    assert 'asking mcp:museum on the web for "red kite"' in told.err
    assert run(["index", "add", "mcp:museum:red kite", "--mcp-server", server, "--offline", *home]) == 2
    assert "leave --offline out" in capsys.readouterr().out
    assert run(["index", "add", "mcp:red kite", *home]) == 2
    assert "name one with --mcp-server" in capsys.readouterr().out
    assert run(["index", "remove", "mcp:museum:red kite", *home]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == {"mcp:museum:red kite": 1}


@pytest.mark.slow
def test_the_command_adds_and_refuses_a_library_named_like_a_source(
    web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path), "--json"]
    assert run(["index", "add", "openverse:red kite", "--max", "3", "--licences", "by-nc", *home]) == 0
    assert json.loads(capsys.readouterr().out)["added"] == 3
    assert run(["index", "add", "openverse:red kite", "--library", "commons", *home]) == 2
    assert "has the name of a web source" in capsys.readouterr().out
