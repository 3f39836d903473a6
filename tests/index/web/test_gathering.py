"""Asking several sources at once: what one says of a licence counts for what another has found."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from imagerag.index.web.cache import WebCache
from imagerag.index.web.candidates import Ask, Candidate, WebQuery
from imagerag.index.web.client import Pauses
from imagerag.index.web.gathering import Gathering
from imagerag.licences import DEFAULT_POLICY
from testing.web_server import Web


class Scripted:
    """Finds one picture of this web, always, under a licence of its own; fails where it has none."""

    address_is_set = True

    def __init__(self, name: str, web: Web, licence: str) -> None:
        self.name, self.address = name, web.url
        self._licence = licence
        self.asked: list[str] = []

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        self.asked.append(query.words)
        if not self._licence:
            raise RuntimeError("a mistake of this source's own")
        picture = f"{self.address}/pictures/red-0.png"
        return [Candidate(self.name, picture, picture, "red", self._licence, link="https://x.org/1")] * 2


def test_one_that_is_not_allowed_bars_the_same_picture_of_another(web: Web, tmp_path: Path) -> None:
    free, closed, broken = Scripted("a", web, "CC-BY-4.0"), Scripted("b", web, "CC-BY-NC-4.0"), Scripted("c", web, "")
    gathering = Gathering([free], WebCache(tmp_path), Pauses(), WebQuery("", 20))
    assert [len(found) for found in gathering.run(["red", "a red kite"], 20)] == [1, 1]
    assert free.asked == ["red", "a red kite"]
    both = Gathering([free, closed, broken], WebCache(tmp_path), Pauses(), WebQuery("", 20))
    assert both.run(["red"], 20) == [[]]
    told = both.told(DEFAULT_POLICY)
    assert any(
        line.startswith("b: 2 of 2 pictures found are not used for their licence (CC-BY-NC-4.0)") for line in told
    )
    assert any("'c' failed (RuntimeError: a mistake" in line for line in told)


def test_where_nothing_is_found_the_first_thing_that_is_named_is_asked_for(web: Web, tmp_path: Path) -> None:
    class Picky(Scripted):
        async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
            found = await super().search(ask, query)
            return found if query.words == "okapi" else []

    picky = Picky("a", web, "CC-BY-4.0")
    (found,) = Gathering([picky], WebCache(tmp_path), Pauses(), WebQuery("", 20)).run(["an okapi in a forest"], 20)
    assert len(found) == 1
    assert picky.asked == ["an okapi in a forest", "okapi"]
    picky.asked.clear()
    asking = Gathering([picky], WebCache(tmp_path), Pauses(), WebQuery("", 20))
    assert len(asking.run(["a drawing of an okapi in a forest"], 20, ["okapi in a forest"])[0]) == 1
    assert picky.asked == ["a drawing of an okapi in a forest", "okapi"], "of a caption it would be a drawing"


def test_small_pictures_have_a_bound_together_and_that_is_told(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Many(Scripted):
        async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
            names = [f"{self.address}/pictures/red-0.png?{number}" for number in range(10)]
            return [Candidate(self.name, name, name, "red", "CC-BY-4.0", link=name) for name in names]

    monkeypatch.setattr("imagerag.index.web.gathering.MOST_BYTES", 3 * len(web.picture("red-0", 0)))
    gathering = Gathering([Many("a", web, "CC-BY-4.0")], WebCache(tmp_path), Pauses(), WebQuery("", 20))
    found = gathering.run(["red", "a red kite"], 20)
    assert sum(map(len, found)) == 3
    (told,) = gathering.told(DEFAULT_POLICY)
    assert told.startswith("a: 17 small pictures are left out")
