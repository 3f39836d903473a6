"""The finish node: the best image is returned."""

from pathlib import Path
from typing import get_args

from imagerag.graphs.nodes.finish import ENDINGS
from imagerag.records import StopReason
from testing.scripted_runs import GENERATE, run_scripted


def test_a_worse_redraw_is_kept_but_never_returned(tmp_path: Path) -> None:
    result = run_scripted(tmp_path, [GENERATE, GENERATE, "I give up"], [0.5, 0.2])
    assert result["image"]["id"] == "image-1"
    assert [image["score"] for image in result["images"]] == [0.5, 0.2]
    assert result["stop_reason"] == "done"


def test_every_stop_reason_has_words() -> None:
    assert set(ENDINGS) == set(get_args(StopReason))
