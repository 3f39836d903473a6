"""Progress on stderr: bars on a terminal, removed when done, and one plain line each elsewhere."""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from imagerag.cli.terminal import printable, say
from imagerag.graphs.events import progress_text
from imagerag.model_hub import Download, downloads_watched

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


WAITING = "waiting"
"""What is at hand while nobody knows how long it takes."""
DOWNLOADING = "downloading"
SHARES, SECONDS = 10, 10.0
"""Where there is no terminal, a download is told at each of so many equal shares, and after so long at the latest."""


@contextmanager
def loading_model(quiet: bool, expected: int = 0) -> Iterator["ProgressBars"]:
    """Give bars for work that begins with loading a model; what libraries print meanwhile is kept out of stdout.

    Args:
        quiet: show nothing.
        expected: bytes that are downloaded where the model isn't here, about; 0 where that isn't known.
    """
    bars = ProgressBars(quiet=quiet)
    bars.busy("loading the model")
    try:
        with contextlib.redirect_stdout(sys.stderr), downloads_watched(bars.downloading, expected):
            yield bars
    finally:
        bars.clear()


class ProgressBars:
    """Shows how far the work at hand has come; only one piece of work is at hand at a time.

    Args:
        quiet: show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet or sys.stderr is None
        self._live = not self._quiet and sys.stderr.isatty()
        self._bars: Progress | None = None
        self._task: TaskID | None = None
        self._what: str | None = None
        self._began = 0.0
        self._told_at = 0.0
        self._told_share = 0

    def busy(self, what: str) -> None:
        """Say what is being waited for, without knowing how long it takes; ends with the next call of any method."""
        self.clear()
        if self._live:
            self._open(what, None)

    def waiting(self, text: str) -> None:
        """Say what is being waited for and how far it has come, in words; again and again, with new words."""
        if not self._live:
            return
        if self._what != WAITING or self._bars is None or self._task is None:
            self.busy(text)
            self._what = WAITING
        else:
            self._bars.update(self._task, description=printable(text))

    def downloading(self, download: Download) -> None:
        """Show how far a download has come: a bar on a terminal; lines, not too many, elsewhere."""
        self.show_download(download.text, download.done, download.total, download.ended)

    def show_progress(self, event: Mapping[str, Any], of: str = "") -> None:
        """Show a progress event of a run.

        Args:
            event: see ``imagerag.graphs.events``.
            of: put before the words, such as which run of several it is of.
        """
        done, total, text = event["done"], event["total"], f"{of}{progress_text(event)}"
        if event["what"] == "loading":
            self.show_download(text, done, total, bool(total) and done >= total)
        elif total:
            self.update(f"{of}{event['what']}", done, total)
        else:
            self.waiting(text)

    def show_download(self, text: str, done: int, total: int, ended: bool) -> None:
        """Show a download as ``downloading`` does.

        Args:
            text: it in words.
            done, total: bytes; 0 as the total where that isn't known.
            ended: whether no more comes.
        """
        if self._quiet:
            return
        if self._live:
            self._bar_of_download(text, done, total, ended)
            return
        now = time.monotonic()
        first = self._what != DOWNLOADING
        share = done * SHARES // total if total else 0
        if first or ended or share > self._told_share or now - self._told_at >= SECONDS:
            self._what, self._told_at, self._told_share = DOWNLOADING, now, share
            say(printable(text), file=sys.stderr, flush=True)
        if ended:
            self._what = None

    def _bar_of_download(self, text: str, done: int, total: int, ended: bool) -> None:
        if ended:
            self.clear()
            return
        if self._what != DOWNLOADING or self._bars is None or self._task is None:
            self.clear()
            self._open(text, total or None, "download")
            self._what = DOWNLOADING
        assert self._bars is not None
        assert self._task is not None
        self._bars.update(self._task, description=printable(text), completed=done, total=total or None)

    def update(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` steps are made; the bar goes when they all are."""
        if self._quiet:
            return
        if self._what != what:
            self.clear()
            self._what = what
            self._began = time.monotonic()
            if self._live:
                self._open(what, total)
        if self._bars is not None and self._task is not None:
            rate = done / max(time.monotonic() - self._began, 1e-3)
            self._bars.update(self._task, completed=done, total=total, rate=f"{rate:.0f}/s")
        if done >= total:
            if not self._live:
                seconds = time.monotonic() - self._began
                say(f"{what}: {done} of {total} in {seconds:.1f} s", file=sys.stderr, flush=True)
            self.clear()

    def clear(self) -> None:
        """Take the bar off the screen."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._task = self._what = None

    def _open(self, what: str, total: int | None, unit: str = "") -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            ProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns: list[ProgressColumn] = [TextColumn("{task.description}", markup=False), BarColumn(bar_width=30)]
        if total is not None:
            if unit != "download":  # whose words have both
                columns += [TextColumn("{task.completed:.0f}/{task.total:.0f}"), TextColumn("{task.fields[rate]}")]
            columns.append(TimeRemainingColumn(compact=True))
        # Results go to stdout, which may well be a file: rich must not catch it and print it here.
        self._bars = Progress(
            *columns,
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._bars.start()
        self._task = self._bars.add_task(printable(what), total=total, rate="")
