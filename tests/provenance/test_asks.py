"""What licences ask."""

import pytest

from imagerag.assets.library import bundled_library
from imagerag.provenance.asks import WORDS, asks_of


@pytest.mark.parametrize(
    ("licence", "asks"),
    [
        ("CC0-1.0", ()),
        ("cc0", ()),
        ("Public Domain Mark 1.0", ()),
        ("PD-old-100", ()),
        ("own", ()),
        ("CC-BY-4.0", ("attribution",)),
        ("CC BY 2.0", ("attribution",)),
        ("Creative Commons Attribution-ShareAlike 3.0", ("attribution", "share-alike")),
        ("by-sa", ("attribution", "share-alike")),
        ("CC-BY-NC-SA-4.0", ("attribution", "share-alike", "non-commercial")),
        ("CC-BY-NC-ND-4.0", ("attribution", "non-commercial", "no derivatives")),
        ("https://creativecommons.org/licenses/by-nc/4.0/", ("attribution", "non-commercial")),
        ("MIT", ("notice",)),
        ("Apache-2.0", ("notice",)),
        ("OFL-1.1", ("notice",)),
        ("GPL-3.0", ("notice", "share-alike")),
        ("OGL-UK-3.0", ("attribution",)),
        ("all rights reserved", ("permission",)),
        ("unknown", ("unknown",)),
        ("", ("unknown",)),
        ("Unlicensed", ("unknown",)),
        ("by John Doe", ("unknown",)),
    ],
)
def test_asks(licence: str, asks: tuple[str, ...]) -> None:
    assert asks_of(licence) == asks
    assert set(asks) <= set(WORDS)


def test_of_a_persons_own_picture_nothing_is_asked_unless_a_licence_was_recorded() -> None:
    assert asks_of("unknown", "subject") == ()
    assert asks_of("CC-BY-4.0", "subject") == ("attribution",)


def test_all_licences_of_the_bundled_library_are_known() -> None:
    for licence in {entry.licence for entry in bundled_library().entries}:
        assert "unknown" not in asks_of(licence), licence
