"""Titles and favourites of conversations."""

from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.server.database import ANONYMOUS, Database
from imagerag.server.thread_labels import LabelledThread, ThreadLabels


def drawn(prompt: str) -> Any:
    return {"id": "image-1", "sha256": "0" * 64, "prompt": prompt}


def test_a_change_leaves_the_rest_as_it_is(tmp_path: Path) -> None:
    database = Database(tmp_path)
    try:
        labels = ThreadLabels(database.file)
        database.enter("me", "sea", [drawn("an owl")])
        database.enter("you", "sea", [drawn("a cat")])
        assert labels.listed("me") == [LabelledThread("sea", "an owl", favourite=False)]
        labels.change("me", "sea", favourite=True)
        labels.change("me", "sea", title="Birds")
        assert labels.listed("me") == [LabelledThread("sea", "Birds", favourite=True)]
        assert labels.listed("you") == [LabelledThread("sea", "a cat", favourite=False)]
        assert labels.listed("me", "birds OWL") != []
        titles = [labels.title(*one) for one in (("me", "sea"), ("you", "sea"), ("me", "land"))]
        assert titles == ["Birds", "a cat", ""]
        labels.change("me", "sea", title="")
        assert labels.title("me", "sea") == "an owl", "what was first drawn"
        assert labels.listed("me", "cat") == []
        with pytest.raises(UserError, match="has 121 characters; give at most 120"):
            labels.change("me", "sea", title="x" * 121)
    finally:
        database.close()


def test_those_who_cannot_be_told_apart_are_shown_no_list(tmp_path: Path) -> None:
    database = Database(tmp_path)
    try:
        database.enter(ANONYMOUS, "sea", [drawn("an owl")])
        assert ThreadLabels(database.file).listed(ANONYMOUS) == []
    finally:
        database.close()
