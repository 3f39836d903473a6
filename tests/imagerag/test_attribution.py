"""Lines that say whom to thank for a reference."""

from typing import Any

from imagerag.attribution import attribution, attributions, credit_of, quote_line, quotes_of
from testing.stored_images import REFERENCE

IBIS = {
    **REFERENCE,
    "title": "Scarlet\nibis",
    "creator": "Jane Roe",
    "source": "openverse (flickr)",
    "licence": "CC-BY-4.0",
    "licence_link": "https://creativecommons.org/licenses/by/4.0/",
    "link": "https://example.org/ibis",
}


def test_all_that_is_known_stands_on_one_line() -> None:
    credit = (
        "by Jane Roe, openverse (flickr), CC-BY-4.0 (https://creativecommons.org/licenses/by/4.0/), "
        "https://example.org/ibis"
    )
    assert credit_of(IBIS) == credit
    assert attribution(IBIS) == f'"Scarlet ibis" {credit}'


def test_what_is_not_known_is_left_out_but_for_the_licence() -> None:
    assert attribution({"title": "an owl", "source": "library own", "licence": "unknown"}) == (
        '"an owl", library own, licence unknown'
    )
    assert attribution({"source": "Noto Emoji u1f40a", "licence": "Apache-2.0"}) == "Noto Emoji u1f40a, Apache-2.0"
    assert attribution({}) == "licence unknown"


def test_a_persons_own_picture_needs_none() -> None:
    assert attribution({**IBIS, "kind": "subject"}) == "the user's own picture"
    mine = {"id": "a", "kind": "retrieved", "title": "my badge", "source": "library own", "licence": "own"}
    assert attribution(mine) == '"my badge", library own, an own picture'
    assert attributions([{"references": ["a"]}], [mine]) == []


def test_of_images_each_picture_is_thanked_for_once_and_a_persons_own_is_not() -> None:
    references = [{**IBIS, "id": "ref-1"}, {**IBIS, "id": "ref-2", "title": "Egret"}, {"id": "me", "kind": "subject"}]
    images = [{"references": ["ref-2", "me", "gone"]}, {"references": ["ref-1", "ref-2"]}]
    assert [line.partition(" by ")[0] for line in attributions(images, references)] == ['"Egret"', '"Scarlet ibis"']


def test_what_was_read_is_told_once_with_its_address() -> None:
    quote: dict[str, Any] = {
        "concept": "flag", "asked": "the flag of Bhutan", "source": "Wikipedia", "title": "Flag of\nBhutan",
        "quote": "It has a\ndragon.", "link": "https://en.wikipedia.org/wiki/X", "licence": "CC-BY-SA-4.0",
    }  # fmt: skip
    (once,) = quotes_of([{"quotes": [quote]}, {}, {"quotes": [dict(quote)]}])
    assert quote_line(once) == (
        'Wikipedia on the flag of Bhutan, page "Flag of Bhutan": "It has a dragon." '
        "(https://en.wikipedia.org/wiki/X, CC-BY-SA-4.0)"
    )
