"""``imagerag batch``: many prompts, one after the other, with a page of all; it goes on where it was ended."""

import argparse
import contextlib
import logging
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from imagerag.cli.batch_folder import held_folder
from imagerag.cli.batch_journal import Done, Journal
from imagerag.cli.batch_rows import Row, read_rows, settings_of_row
from imagerag.cli.interrupt import Cancel, Ended, cancel_on_interrupt
from imagerag.cli.result_file import open_file
from imagerag.cli.setting_flags import settings_of
from imagerag.cli.terminal import printable, say, say_json
from imagerag.errors import InvalidArgument, UserError, first_line
from imagerag.garbage_collection import collection_paused
from imagerag.profiles.resolve import resolve
from imagerag.settings import Settings, load_settings
from imagerag.store.home import home_directory
from imagerag.store.output_files import readable_name, write_new

if TYPE_CHECKING:
    from imagerag.cli.progress import ProgressBars
    from imagerag.graphs.assembly import Graph
    from imagerag.store.images import ImageStore

ALL_DONE, SOME_FAILED = 0, 1
PAGE = "batch.html"

_log = logging.getLogger(__name__)


class _Unavailable(Exception):
    """The generator's server is gone: the rows to come would fail, too."""


def batch(options: argparse.Namespace, stdout: TextIO) -> int:
    """Draw the rows of a file, and return the exit status: 0 each has an image, 1 some have none.

    Raises:
        UserError: the file or the folder is of no use, or another batch is at work there.
    """
    flags = {name: value for name, value in settings_of(options).items() if value is not None and name != "out"}
    config = Path(options.config) if options.config else None
    common = load_settings(flags, file=config)
    file = Path(options.file).expanduser()
    rows = read_rows(file, flags, config)
    _check_common(rows, flags, config)
    keys = {row.key for row in rows}
    with held_folder(file, options.out or common.out, keys) as (folder, other), cancel_on_interrupt() as cancel:
        if other:
            say(
                f"note: this batch is kept in {str(folder)!r}, since {other!r} has the folder of its name",
                file=sys.stderr,
            )
        journal = Journal(folder)
        work = _Batch(rows, flags, config, folder, journal, stdout, quiet=options.json)
        try:
            work.run(home_directory(common.home), cancel)
        except _Unavailable as error:
            raise UserError(f"{error}; {work.standing()}") from error
        finally:
            page = work.write_page()
        if cancel.is_set():
            raise Ended(cancel.status, work.standing())
    results = work.results()
    failed = [one for one in results if one["status"] == "failed"]
    if options.json:
        images = [{**one, "image": str(folder / one["file"]) if one["file"] else None} for one in results]
        told = [{key: value for key, value in one.items() if key not in ("key", "file")} for one in images]
        say_json({"out": str(folder), "html": page, "done": len(results) - len(failed), "failed": len(failed),
                  "kept": work.kept, "rows": told}, stdout)  # fmt: skip
    else:
        say(f"{len(results) - len(failed)} of {len(rows)} have an image, {len(failed)} have none", file=stdout)
        say(f"page: {page}", file=stdout)
    if options.open and (told_so := open_file(page)):
        say(f"note: {told_so}", file=sys.stderr)
    return SOME_FAILED if failed else ALL_DONE


def _check_common(rows: Sequence[Row], flags: Mapping[str, Any], config: Path | None) -> None:
    """Refuse a batch whose rows are all refused for one reason: then it is what they have in common that is wrong.

    Raises:
        UserError: that reason, such as a part that there isn't.
    """
    from imagerag.cli.draw import check_names

    reasons: dict[str, UserError] = {}
    for row in rows:
        if row.problem:
            continue
        try:
            check_names(resolve(load_settings(settings_of_row(row, flags), file=config)))
        except UserError as error:
            reasons[str(error)] = error
        else:
            return
        if len(reasons) > 1:
            return
    for reason in reasons.values():
        raise reason


class _Batch:
    """The rows, and what has become of them."""

    def __init__(
        self,
        rows: Sequence[Row],
        flags: Mapping[str, Any],
        config: Path | None,
        folder: Path,
        journal: Journal,
        stdout: TextIO,
        *,
        quiet: bool,
    ) -> None:
        self._rows = rows
        self._flags = flags
        self._config = config
        self._folder = folder
        self._journal = journal
        self._stdout = stdout
        self._quiet = quiet
        self._bad = {row.number: _outcome(row, error=row.problem) for row in rows if row.problem}
        self.kept = 0
        """Rows that an earlier process has drawn."""

    def run(self, home: Path, cancel: Cancel) -> None:
        """Draw what is not there yet."""
        from imagerag.cli.progress import ProgressBars
        from imagerag.store.images import ImageStore

        store = ImageStore(home)
        if self._journal.damaged:
            self._say(f"note: {self._journal.damaged} broken lines of {str(self._journal.file)!r} are left out")
        for one in self._bad.values():
            self._say(self._line(one))
        there = [row for row in self._rows if self._is_there(row, store)]
        self.kept = len(there)
        if there:
            self._say(f"{len(there)} of {len(self._rows)} are there from before, see {str(self._journal.file)!r}")
        left = [row for row in self._rows if not row.problem and row not in there]
        if not left:
            return
        bars = ProgressBars(quiet=self._quiet)
        bars.busy("getting ready")
        with contextlib.ExitStack() as opened:
            with collection_paused():
                from imagerag.graphs.agent_graph import build_graph
                from imagerag.graphs.checkpointer import open_checkpointer

            graph = build_graph(checkpointer=opened.enter_context(open_checkpointer(home)))
            opened.callback(bars.clear)
            for row in left:
                entry = self._drawn(row, graph, cancel, bars)
                bars.clear()
                if cancel.is_set():
                    return
                self._journal.enter(entry)
                if entry["status"] == "done":
                    self._copy(entry, store)
                self._say(self._line(entry))
                if entry["stop_reason"] == "unavailable" and entry["status"] == "failed":
                    raise _Unavailable(f"line {row.line}: {entry['error']}")

    def results(self) -> list[Done]:
        """Return what there is, in the order of the rows."""
        found = (self._bad.get(row.number) or self._entry(row) for row in self._rows)
        return [{**one, "row": row.number, "line": row.line} for row, one in zip(self._rows, found, strict=True) if one]

    def standing(self) -> str:
        """Return in words what is there, and how to go on."""
        done = sum(one["status"] == "done" for one in self.results())
        return f"{done} of {len(self._rows)} rows are drawn and kept in {str(self._folder)!r}; the same command goes on"

    def write_page(self) -> str:
        """Write the page of all rows anew, and return its path."""
        from imagerag.report.html import render_batch
        from imagerag.store.files import write_whole

        path = self._folder / PAGE
        page = render_batch(self.results(), len(self._rows), self._folder)
        write_whole(path, page.encode("utf-8", "replace"), private=False)
        return str(path)

    def _drawn(self, row: Row, graph: "Graph", cancel: Cancel, bars: "ProgressBars") -> Done:
        """Draw a row. What goes wrong with it is its own: the others are drawn all the same."""
        from imagerag.cli.draw import check_names
        from imagerag.graphs.streaming import stream_run

        notes: list[str] = []
        what = f"{row.number} of {len(self._rows)}"

        def tell(event: Any) -> None:
            if event["event"] == "note":
                notes.append(event["text"])
            elif event["event"] == "progress":
                bars.show_progress(event, f"{what}: ")

        try:
            asked: Settings = load_settings(settings_of_row(row, self._flags), file=self._config)
            settings = resolve(replace(asked, cancel=cancel, out=None))
            check_names(settings)
            thread = asked.thread or f"run-{secrets.token_hex(4)}"
            with contextlib.redirect_stdout(sys.stderr):
                values = stream_run(
                    graph, {"prompt": row.prompt}, {"configurable": {"thread_id": thread}}, settings, tell
                )
        except (UserError, InvalidArgument) as error:
            return _outcome(row, error=str(error), notes=notes)
        except Exception as error:
            if cancel.is_set():
                return _outcome(row, error="cancelled")
            _log.exception("line %d failed", row.line)
            return _outcome(row, error=f"the run failed ({type(error).__name__}: {first_line(error)})", notes=notes)
        best, verdict = values["image"], values["verdict"]
        if best is None:
            why = str(values["messages"][-1].text)
            return _outcome(row, error=why, notes=notes, stop_reason=values["stop_reason"], thread=thread)
        stem = f"{row.number:0{max(3, len(str(len(self._rows))))}d}-{asked.file_name or readable_name(row.prompt)}"
        return {
            **_outcome(row, notes=notes, stop_reason=values["stop_reason"], thread=thread),
            "status": "done",
            "file": self._free_name(stem),
            "sha256": best["sha256"],
            "score": best["score"],
            "satisfied": bool(verdict and verdict["satisfied"]),
            "missing": verdict["missing"] if verdict else [],
            "seed": best["seed"],
            "seconds": values["seconds"],
        }

    def _free_name(self, stem: str) -> str:
        number, name = 1, f"{stem}.png"
        while (self._folder / name).exists():
            number += 1
            name = f"{stem}-{number}.png"
        return name

    def _copy(self, entry: Done, store: "ImageStore") -> None:
        """Let the image lie under its name, where it doesn't yet."""

        target = self._folder / entry["file"]
        if not target.exists():
            write_new(self._folder, target.stem, target.suffix, store.data(entry["sha256"]))

    def _entry(self, row: Row) -> Done | None:
        return self._journal.done.get(row.key)

    def _is_there(self, row: Row, store: "ImageStore") -> bool:
        """Tell whether a row is drawn, its image in its place; one that is gone for good is drawn again."""
        entry = self._entry(row)
        if entry is None or entry["status"] != "done":
            return False
        try:
            self._copy(entry, store)
        except FileNotFoundError:
            return False
        return True

    def _line(self, entry: Done) -> str:
        if entry["status"] == "failed":
            prompt = f" ({printable(entry['prompt'])})" if entry["prompt"] else ""
            return f"line {entry['line']}{prompt} has no image: {printable(entry['error'])}"
        score = "not judged" if entry["score"] is None else f"score {entry['score']:.2f}"
        missing = f", missing {', '.join(map(printable, entry['missing']))}" if entry["missing"] else ""
        where = f"{entry['row']}/{len(self._rows)}  {printable(entry['prompt'])}: {score}{missing}"
        return "\n".join([f"{where}  {entry['file']}", *(f"  note: {printable(note)}" for note in entry["notes"])])

    def _say(self, text: str) -> None:
        say(text, file=sys.stderr if self._quiet else self._stdout, flush=True)


def _outcome(row: Row, *, error: str = "", notes: Sequence[str] = (), stop_reason: str = "", thread: str = "") -> Done:
    """Return the outcome of a row that has no image."""
    return {
        "key": row.key, "row": row.number, "line": row.line, "prompt": row.prompt, "status": "failed", "file": "",
        "sha256": "", "score": None, "satisfied": False, "missing": [], "seed": None, "stop_reason": stop_reason,
        "error": error, "notes": list(notes), "seconds": 0.0, "thread": thread,
    }  # fmt: skip
