"""Full-text search of captions."""

from pathlib import Path

import pytest

from imagerag.index.base import SearchOptions
from imagerag.index.user.fulltext import FullTextIndex
from imagerag.index.user.store import UserPictures
from testing.user_pictures import listed, save_picture


@pytest.mark.slow
def test_words_of_captions_are_found_that_the_model_would_not_rank_first(own: UserPictures, tmp_path: Path) -> None:
    rows = []
    for concept, caption in (("owl", "inventory 4711"), ("rooster", "inventory 4712"), ("penguin", "inventory 4713")):
        save_picture(tmp_path, f"{concept}.png", concept)
        rows.append({"path": f"{concept}.png", "caption": caption})
    own.add([listed(tmp_path, rows)])
    for caption in ("inventory 4711", "inventory 4712", "inventory 4713"):
        assert own.search([caption], 1, SearchOptions(fused=True))[0][0].title == caption


def test_captions_are_found_by_stem_ranked_and_removed(tmp_path: Path) -> None:
    index = FullTextIndex(tmp_path / "captions.sqlite")
    index.change([], [("1", "a Crème brûlée"), ("2", "owls and more owls"), ("3", "an owl on the anchor of a ship")])
    assert index.search("creme", 5) == ["1"]
    assert index.search("the owl", 5) == ["2", "3"], "best first; words that every caption has don't count"
    assert index.search("owl", 1) == ["2"]
    assert index.search('"; DROP TABLE captions', 5) == []
    assert index.search("?!", 5) == []
    index.change(["2"], [("4", "owl")])
    index.close()
    again = FullTextIndex(tmp_path / "captions.sqlite")
    assert again.ids() == {"1", "3", "4"}
    assert again.search("owl", 5) == ["4", "3"]
    again.close()
