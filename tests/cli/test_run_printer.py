"""What is printed of a run while it goes on and at its end."""

import re
from io import StringIO

import pytest
from rich.console import Console

from imagerag.cli.progress import ProgressBars
from imagerag.cli.run_printer import RunPrinter
from imagerag.graphs.state import Output


class TestStory:
    def test_tells_the_run(self, output: Output) -> None:
        told = StringIO()
        story = RunPrinter(Console(file=told, width=40), ProgressBars(quiet=True))
        first, second = output["images"]
        assert first["verdict"] is not None
        assert second["verdict"] is not None
        story.tell({"event": "progress", "what": "drawing", "done": 1, "total": 2})
        story.tell({"event": "images", "images": [first]})
        story.tell({"event": "verdict", "image": first, "verdict": first["verdict"], "best": True})
        story.tell({"event": "captions", "captions": {"owl": ["an owl", "a bird of the night"]}})
        story.tell({"event": "references", "references": output["references"]})
        story.tell({"event": "images", "images": [second]})
        story.tell({"event": "verdict", "image": second, "verdict": second["verdict"], "best": True})
        story.tell({"event": "note", "text": "a \x1b[31m [red]title[/red]"})
        story.tell({"event": "stop", "reason": "satisfied", "detail": "the critic is satisfied"})
        text = told.getvalue()
        for expected in (
            "image-1  drawn from words, seed 1",
            "scores 0.20",
            "- owl <b>: missing (0.20)",
            'looking up owl: "an owl"; "a bird of the night"',
            "similarity 0.50, from Noto Emoji, Apache-2.0",
            "image-2  drawn again with <script>alert(1)</script> at scale 0.5, seed 2",
            "scores 0.90, the best so far",
            "[red]title[/red]",
            "stopped: the critic is satisfied (satisfied)",
        ):
            assert expected in text
        assert "\x1b" not in text
        assert story.notes == ["a \x1b[31m [red]title[/red]"]

    def test_silent(self, output: Output) -> None:
        told = StringIO()
        story = RunPrinter(Console(file=told), ProgressBars(quiet=True), silent=True)
        story.tell({"event": "images", "images": output["images"]})
        story.note("something")
        assert (told.getvalue(), story.notes) == ("", ["something"])

    def test_plain_progress(self, capsys: pytest.CaptureFixture[str]) -> None:
        bars = ProgressBars()
        for done in range(1, 4):
            bars.update("drawing", done, 3)
        captured = capsys.readouterr()
        assert captured.out == ""
        assert re.fullmatch(r"drawing: 3 of 3 in \d+\.\d s\n", captured.err)
