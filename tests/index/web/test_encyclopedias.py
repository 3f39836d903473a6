"""Quotes of Wikipedia and Wikidata, in the published shapes of their answers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.index.web.cache import WebCache
from imagerag.index.web.candidates import SourceFailed
from imagerag.index.web.client import Pauses, WebClient
from imagerag.index.web.encyclopedias import LONGEST_QUOTE, FactSource, Quote, Wikidata, Wikipedia
from testing.encyclopedias import MASCOTS, Article, encyclopedias, serving_encyclopedias
from testing.web_server import Web, as_json

ASKED = "mascot of the 2026 Winter Olympics"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("IMAGERAG_CONTACT", "me@example.org")
    with serving_encyclopedias() as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def quotes(source: FactSource, folder: Path, words: str = ASKED, count: int = 3) -> list[Quote]:
    async def asked() -> list[Quote]:
        async with WebClient(source, WebCache(folder), Pauses()) as client:
            return list(await source.quotes(client.ask, words, count))

    return asyncio.run(asked())


def test_wikipedia_gives_beginnings_of_articles_in_the_order_of_the_search(web: Web, folder: Path) -> None:
    found = quotes(Wikipedia(web.url, True), folder)
    assert [one.title for one in found] == [one.title for one in MASCOTS]
    assert found[1] == Quote(
        "Wikipedia", "Tina and Milo", MASCOTS[1].text, "https://en.wikipedia.org/wiki/Tina_and_Milo", "CC-BY-SA-4.0"
    )
    assert web.asked[0].query["gsrsearch"] == ASKED
    assert "me@example.org" in web.asked[0].headers["user-agent"]


def test_wikidata_gives_labels_with_descriptions(web: Web, folder: Path) -> None:
    found = quotes(Wikidata(web.url, True), folder)
    assert found[1] == Quote(
        "Wikidata", "Tina and Milo", MASCOTS[1].text, "https://www.wikidata.org/wiki/Q2", "CC0-1.0"
    )


@pytest.mark.parametrize("make", [Wikipedia, Wikidata])
def test_nothing_found_is_no_quote(web: Web, folder: Path, make: type[Wikipedia]) -> None:
    assert quotes(make(web.url, True), folder, "zyzzyva") == []


def test_markup_is_taken_out_and_long_texts_are_cut(web: Web, folder: Path) -> None:
    text = f"<p><b>Milo</b> is a mascot.<script>alert(1)</script>\n\u202e {'very ' * 200}</p>"
    web.faults["/w/api.php"] = encyclopedias([Article("<i>Milo</i>", text)])
    (found,) = quotes(Wikipedia(web.url, True), folder, "mascot")
    assert found.title == "Milo"
    assert found.text.startswith("Milo is a mascot. very very")
    assert len(found.text) == LONGEST_QUOTE
    assert not {"<", "\u202e", "\n"} & set(found.text)


def test_pages_that_list_meanings_and_those_without_text_are_left_out(web: Web, folder: Path) -> None:
    pages = [Article("Mascot", "Mascot may refer to", lists_meanings=True), Article("Mascots", "")]
    web.faults["/w/api.php"] = encyclopedias(pages)
    assert quotes(Wikipedia(web.url, True), folder, "mascot mascots") == []


def test_what_means_something_to_the_search_is_taken_out(web: Web, folder: Path) -> None:
    quotes(Wikipedia(web.url, True), folder, 'mascot -owl insource:/x/ "Bhutan\'s"')
    assert web.asked[0].query["gsrsearch"] == "mascot owl insource x Bhutan's"


@pytest.mark.parametrize("make", [Wikipedia, Wikidata])
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            as_json({"error": {"code": "maxlag", "info": "Waiting for a <b>database</b>"}}),
            "says: Waiting for a database",
        ),
        (as_json({"query": {"pages": "none"}}), "no list at 'query.pages'"),
        (as_json([]), "no list at 'query.pages'"),
        ((200, {}, b"<html>"), "no JSON"),
        ((403, {}, b""), "set IMAGERAG_CONTACT"),
        (as_json({}, 429, retry_after="90"), "left alone for 90 seconds"),
    ],
)
def test_what_can_not_be_read_is_told(
    web: Web, folder: Path, make: type[Wikipedia], answer: tuple[int, dict[str, str], bytes], says: str
) -> None:
    web.faults["/w/api.php"] = lambda request: answer
    with pytest.raises(SourceFailed, match=says):
        quotes(make(web.url, True), folder)


def test_records_of_another_shape_are_left_out(web: Web, folder: Path) -> None:
    pages = [{"title": 7, "extract": ["x"]}, "page", {"title": "Owl", "extract": "x", "fullurl": "javascript:x"}]
    web.faults["/w/api.php"] = lambda request: as_json({"query": {"pages": pages}})
    assert quotes(Wikipedia(web.url, True), folder) == []
    assert quotes(Wikidata(web.url, True), folder) == []
