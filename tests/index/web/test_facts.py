"""Asking encyclopedias side by side: bounded, told, and left alone where they ask for that."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.index.web import facts
from imagerag.index.web.facts import LONGEST_ASKED, open_facts
from testing.encyclopedias import serving_encyclopedias
from testing.web_server import Reply, Web, WebRequest, as_json, sources_at

ASKED = "mascot of the 2026 Winter Olympics"
BOTH = ("wikipedia", "wikidata")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    with serving_encyclopedias() as served:
        for name, value in sources_at(served, *BOTH).items():
            monkeypatch.setenv(name, value)
        yield served


def test_what_is_sent_is_told_before_and_asked_once(web: Web, tmp_path: Path) -> None:
    told: list[str] = []
    (quotes,) = open_facts(BOTH, tmp_path).ask([ASKED], told.append)
    assert [one.source for one in quotes] == ["Wikipedia", "Wikipedia", "Wikidata", "Wikidata"]
    assert told[0] == f'asking wikipedia, wikidata on the web what is meant by "{ASKED}"; this is all that is sent'
    assert told[1].startswith("first use of wikipedia, wikidata: ")
    (again,) = open_facts(BOTH, tmp_path).ask([ASKED], told.append)
    assert again == quotes
    assert len(web.asked) == 2, "the second answer comes from the cache"
    assert sum(line.startswith("first use") for line in told) == 1


def test_one_that_asks_to_be_left_alone_is_and_the_other_answers(web: Web, tmp_path: Path) -> None:
    usual = web.faults["/w/api.php"]

    def busy(request: WebRequest) -> Reply | None:
        wikidata = request.query["prop"] == "entityterms"
        return usual(request) if wikidata else as_json({}, 429, retry_after="90")

    web.faults["/w/api.php"] = busy
    told: list[str] = []
    search = open_facts(BOTH, tmp_path)
    (quotes,) = search.ask([ASKED], told.append)
    assert {one.source for one in quotes} == {"Wikidata"}
    assert any("'wikipedia': asks to be left alone for 90 seconds" in line for line in told)
    before = len(web.asked)
    open_facts(BOTH, tmp_path).ask(["flag of Bhutan"], told.append)
    assert [one.query["prop"] for one in web.asked[before:]] == ["entityterms"]


def test_one_that_hangs_costs_its_time_and_not_the_answers_of_the_other(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "SECONDS", 3.0)
    usual, ended = web.faults["/w/api.php"], threading.Event()

    def hangs(request: WebRequest) -> Reply | None:
        if request.query["prop"] != "entityterms":
            ended.wait(30)
        return usual(request)

    web.faults["/w/api.php"] = hangs
    told: list[str] = []
    try:
        (quotes,) = open_facts(BOTH, tmp_path).ask([ASKED], told.append)
    finally:
        ended.set()
    assert {one.source for one in quotes} == {"Wikidata"}
    assert "the web source 'wikipedia' did not answer in 3 seconds" in told


def test_what_is_sent_is_one_short_line(web: Web, tmp_path: Path) -> None:
    open_facts(("wikipedia",), tmp_path).ask([f"mascot\n of {'x' * 500}"], lambda line: None)
    sent = web.asked[0].query["gsrsearch"]
    assert sent.startswith("mascot of xxx")
    assert len(sent) == LONGEST_ASKED


def test_an_address_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_WIKIPEDIA_URL", "wiki.example.org")
    with pytest.raises(UserError, match="IMAGERAG_WIKIPEDIA_URL"):
        open_facts(("wikipedia",), tmp_path)
