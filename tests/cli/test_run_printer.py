"""What is printed of a run while it goes on and at its end."""

import re
from io import StringIO

import pytest
from rich.console import Console

from imagerag.cli.progress import ProgressBars
from imagerag.cli.run_printer import RunPrinter
from imagerag.graphs.state import Output
from imagerag.model_hub import Download


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
            "similarity 0.50, Noto Emoji, Apache-2.0",
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

    def test_a_download_is_told_in_lines_where_there_is_no_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        """As it begins, at each tenth, and as it ends; of an unknown size every ten seconds."""
        bars = ProgressBars()
        for done in range(0, 101):
            bars.downloading(Download(done * 10**7, 5e7, 10**9))
        bars.downloading(Download(10**9, 5e7, 10**9, 20, ended=True))
        lines = capsys.readouterr().err.splitlines()
        assert lines[0] == "downloading: 0.00 of about 1.00 GB (0%), 50.0 MB/s"
        assert lines[1] == "downloading: 0.10 of about 1.00 GB (10%), 50.0 MB/s"
        assert lines[-1] == "downloaded: 1.00 GB in 20 s, 50.0 MB/s"
        assert len(lines) == 12
        for done in range(3):
            bars.downloading(Download(done * 10**7, 5e7))
        assert capsys.readouterr().err == "downloading: 0.00 GB so far, 50.0 MB/s\n"
        ProgressBars(quiet=True).downloading(Download(1, 1.0))
        assert capsys.readouterr().err == ""

    def test_a_download_of_one_of_several_runs_is_told_as_a_download(self, capsys: pytest.CaptureFixture[str]) -> None:
        bars = ProgressBars()
        event = {"event": "progress", "what": "loading", "total": 0, "text": "downloading: 0.30 GB so far, 5.0 MB/s"}
        bars.show_progress({**event, "done": 3 * 10**8}, "2 of 9: ")
        bars.show_progress({**event, "done": 10**9, "total": 10**9, "text": "downloaded: 1.00 GB"}, "2 of 9: ")
        for done in (1, 2):
            bars.show_progress({"event": "progress", "what": "drawing", "done": done, "total": 2}, "2 of 9: ")
        lines = capsys.readouterr().err.splitlines()
        assert lines[:2] == ["2 of 9: downloading: 0.30 GB so far, 5.0 MB/s", "2 of 9: downloaded: 1.00 GB"]
        assert lines[2].startswith("2 of 9: drawing: 2 of 2 in ")

    def test_a_download_of_a_run_is_told_too(self, capsys: pytest.CaptureFixture[str]) -> None:
        story = RunPrinter(Console(file=StringIO()), ProgressBars())
        for done, text in ((4, "downloading: four"), (8, "downloaded: all")):
            story.tell({"event": "progress", "what": "loading", "done": done, "total": 8, "text": text})
        assert capsys.readouterr().err == "downloading: four\ndownloaded: all\n"
