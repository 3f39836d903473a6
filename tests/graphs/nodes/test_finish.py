"""The finish node: the best image is returned."""

from pathlib import Path
from typing import Any, get_args

import pytest

from imagerag.graphs.endings import ENDINGS
from imagerag.graphs.nodes.finish import why_ended
from imagerag.records import StopReason
from testing.scripted_runs import GENERATE, run_scripted


def test_a_worse_redraw_is_kept_but_never_returned(tmp_path: Path) -> None:
    result = run_scripted(tmp_path, [GENERATE, GENERATE, "I give up"], [0.5, 0.2])
    assert result["image"]["id"] == "image-1"
    assert [image["score"] for image in result["images"]] == [0.5, 0.2]
    assert result["stop_reason"] == "done"


def test_every_stop_reason_has_words() -> None:
    assert set(ENDINGS) == set(get_args(StopReason))


@pytest.mark.parametrize(
    ("reason", "steps", "why"),
    [
        ("done", [("generate", None)], "nothing more was left to try"),
        (
            "done",
            [("generate", None), ("redraw", "no luck")],
            "nothing more was left to try; the last drawing failed: no luck",
        ),
        ("done", [("regenerate_with_references", "no luck"), ("generate", None)], "nothing more was left to try"),
        ("done", [("generate", None), ("search_references", "no luck")], "nothing more was left to try"),
        ("generations", [("generate", "no luck")], "the generation budget ran out; the last drawing failed: no luck"),
        ("generations", [("redraw", "not run to its end: 5 of 5")], "the generation budget ran out"),
        ("seconds", [("generate", "not run to its end")], "the time budget ran out"),
        (
            "seconds",
            [("generate", "'comfyui:x' was still drawing")],
            "the time budget ran out: 'comfyui:x' was still drawing",
        ),
        ("cancelled", [("generate", "not run to its end")], "it was cancelled"),
        ("error", [], "an error ended it"),
    ],
)
def test_the_failure_of_the_last_drawing_is_part_of_why_it_ended(
    reason: StopReason, steps: list[tuple[str, str | None]], why: str
) -> None:
    trace: list[Any] = [{"name": name, "error": error} for name, error in steps]
    assert why_ended(reason, trace) == why
