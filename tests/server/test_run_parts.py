"""The parts of a run, as its conversation has chosen them."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.server.offers import NO_CHOICE, PartChoice
from imagerag.server.run import RunRequest
from imagerag.server.run_parts import RunParts
from imagerag.settings import Settings
from testing.openai_requests import square
from testing.scripted import Squares


def test_a_mask_is_refused_where_no_part_can_be_redrawn_and_nothing_is_loaded_to_tell_the_page(tmp_path: Path) -> None:
    ask = RunRequest("a crown", mask=square())
    squares = RunParts(Settings(home=str(tmp_path)), {"generator": Squares()})
    with pytest.raises(UserError, match="'squares' can't redraw a part of an image; leave the mask out"):
        squares.settled(ask, lambda: NO_CHOICE)
    assert not squares.may_redraw
    own = RunParts(Settings(home=str(tmp_path)), {})
    assert own.settled(ask, lambda: NO_CHOICE).mask == square()
    assert own.may_redraw
    assert not RunParts(Settings(home=str(tmp_path), generator="bfl:flux-2-pro"), {}).may_redraw


def test_what_was_chosen_before_holds_and_what_is_gone_is_told(tmp_path: Path) -> None:
    parts = RunParts(Settings(home=str(tmp_path), offer=("generator=diffusers:a/b",)), {})
    kept = parts.settled(RunRequest("an owl"), lambda: PartChoice(generator="diffusers:a/b", critic="gone"))
    assert kept.choice == PartChoice(generator="diffusers:a/b")
    assert kept.notes == ("critic 'gone' of this conversation's earlier turns is no longer offered",)
    assert parts.names(kept, None)["generator"] == "diffusers:a/b"
    assert parts.of(None) is parts.own
