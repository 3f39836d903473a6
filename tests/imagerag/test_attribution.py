"""Lines that say whom to thank for a reference."""

from imagerag.attribution import attribution, credit_of
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
