"""Filters of a search."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.index.user import UserPictures, parse_where
from testing.user_pictures import listed, save_picture


def test_only_what_fits_the_filter_is_found(own: UserPictures, tmp_path: Path) -> None:
    rows = []
    for concept, licence in (("owl", "CC0-1.0"), ("rooster", "CC-BY-4.0"), ("penguin", "CC0-1.0")):
        save_picture(tmp_path, f"{concept}.png", concept)
        rows.append({"path": f"{concept}.png", "caption": f"a {concept}", "licence": licence, "title": concept.upper()})
    own.add([listed(tmp_path, rows)])

    def titles(*where: str) -> set[str]:
        return {hit.title for hit in own.search(["a bird"], 9, where=parse_where(where))[0]}

    assert titles() == {"a owl", "a rooster", "a penguin"}
    assert titles("licence=cc0-1.0") == {"a owl", "a penguin"}
    assert titles("licence=CC0-1.0", "title~ENG") == {"a penguin"}
    assert titles("source~rooster") == {"a rooster"}
    assert titles("licence=MIT") == set()
    with pytest.raises(UserError, match="licence, caption, title, source"):
        parse_where(["colour=red"])
