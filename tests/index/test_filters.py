"""Filters of a search."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.index.base import SearchOptions
from imagerag.index.filters import all_hold, parse_where
from imagerag.index.user.store import UserPictures
from testing.user_pictures import listed, save_picture


@pytest.mark.slow
def test_only_what_fits_the_filter_is_found(own: UserPictures, tmp_path: Path) -> None:
    rows = []
    for concept, licence in (("owl", "CC0-1.0"), ("rooster", "CC-BY-4.0"), ("penguin", "CC0-1.0")):
        save_picture(tmp_path, f"{concept}.png", concept)
        rows.append({"path": f"{concept}.png", "caption": f"a {concept}", "licence": licence, "title": concept.upper()})
    own.add([listed(tmp_path, rows)])

    def titles(*where: str) -> set[str]:
        return {hit.title for hit in own.search(["a bird"], 9, SearchOptions(where=parse_where(where)))[0]}

    assert titles() == {"a owl", "a rooster", "a penguin"}
    assert titles("licence=cc0-1.0") == {"a owl", "a penguin"}
    assert titles("licence=CC0-1.0", "title~ENG") == {"a penguin"}
    assert titles("source~rooster") == {"a rooster"}
    assert titles("licence=MIT") == set()
    with pytest.raises(UserError, match="licence, caption, title, source"):
        parse_where(["colour=red"])


def test_all_conditions_must_hold_whatever_the_case() -> None:
    holds = all_hold(parse_where(["licence=cc0", "caption ~ Owl"]))
    assert holds({"licence": "CC0", "caption": "a barn owl"})
    assert not holds({"licence": "CC0-ish", "caption": "a barn owl"})
    assert not holds({"licence": "CC0"})


@pytest.mark.parametrize("text", ["licence", "colour=red", "caption=", "=x", ""])
def test_a_condition_that_is_not_understood_is_refused_with_the_fields(text: str) -> None:
    with pytest.raises(
        UserError, match="is not understood; give FIELD=VALUE or FIELD~PART with one of: licence, caption"
    ):
        parse_where([text])
