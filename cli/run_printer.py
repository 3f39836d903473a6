"""The run told as it happens, in a few lines on stdout, from the events that the graph streams."""

from collections.abc import Iterable
from typing import assert_never

from rich.console import Console
from rich.text import Text

from imagerag.agent.absence import presence_in_words
from imagerag.attribution import credit_of
from imagerag.cli.progress import ProgressBars
from imagerag.cli.terminal import printable, visible
from imagerag.graphs.events import (
    CaptionsEvent,
    Event,
    ImagesEvent,
    ReferencesEvent,
    StopEvent,
    VerdictEvent,
)
from imagerag.records import ImageRecord, ReferenceRecord

MAX_SHOWN = 6
"""Candidates or captions listed one by one; the JSON and the page have them all."""

MAX_REFERENCES = 3
"""References listed for each concept."""


class PrinterConsole(Console):
    """A console whose reader may go away: that is for the edge to handle, which knows the exit status."""

    def on_broken_pipe(self) -> None:
        """Let the ``BrokenPipeError`` that is being handled go on."""
        raise


class RunPrinter:
    """Turns events into lines.

    Args:
        console: where the lines go; wide lines are not wrapped, so that paths can be copied.
        bars: shows progress events and is cleared before each line.
        silent: show progress only (with ``--json`` and ``--quiet``).
    """

    def __init__(self, console: Console, bars: ProgressBars, *, silent: bool = False) -> None:
        self._console = console
        self._bars = bars
        self._silent = silent
        self._images: dict[str, ImageRecord] = {}
        self._references: dict[str, ReferenceRecord] = {}
        self._batch = 0
        self.notes: list[str] = []
        self.stopped: str = ""
        self.kept: str | None = None
        """Path of the best image so far."""

    def know(self, references: Iterable[ReferenceRecord]) -> None:
        """Learn the references of earlier turns, to call them by their titles."""
        self._references.update((record["id"], record) for record in references)

    def tell(self, event: Event) -> None:
        """Tell one event."""
        match event["event"]:
            case "progress":
                self._bars.show_progress(event)
            case "preview":
                pass  # for interfaces that can show pictures beside the text
            case "images":
                self._tell_images(event)
            case "verdict":
                self._tell_verdict(event)
            case "captions":
                self._tell_captions(event)
            case "references":
                self._tell_references(event)
            case "note":
                self.note(event["text"])
            case "answer":
                self.say(event["text"])
            case "stop":
                self._tell_stop(event)
            case _ as unreachable:
                assert_never(unreachable)

    def note(self, text: str) -> None:
        """Tell something the person should know."""
        self.notes.append(text)
        self.say("  note: " + printable(text), "yellow")

    def say(self, text: str, style: str = "") -> None:
        """Print lines as they are, without what could steer the terminal, and no markup in them taken for such."""
        self._bars.clear()
        if not self._silent:
            self._console.print(Text(visible(text), style=style), soft_wrap=True, highlight=False)

    def _tell_images(self, event: ImagesEvent) -> None:
        self.kept = self.kept or event["images"][0]["path"]
        self._batch = len(event["images"])
        for record in event["images"]:
            self._images[record["id"]] = record
            if len(event["images"]) <= MAX_SHOWN:
                self.say(f"{record['id']}  {self._origin(record)}, seed {record['seed']}", "bold")
        if len(event["images"]) > MAX_SHOWN:
            first, last = event["images"][0], event["images"][-1]
            self.say(f"{first['id']} to {last['id']}  {self._origin(first)}, {len(event['images'])} candidates", "bold")

    def _origin(self, record: ImageRecord) -> str:
        if not record["references"]:
            return "drawn again from words alone" if len(self._images) > 1 and record["parent"] else "drawn from words"
        titles = [
            printable(self._references[name]["title"]) if name in self._references else name
            for name in record["references"]
        ]
        with_what = ", ".join(
            f"{title} ({titles.count(title)}x)" if titles.count(title) > 1 else title for title in dict.fromkeys(titles)
        )
        return f"drawn {'again ' if record['parent'] else ''}with {with_what} at scale {record['reference_scale']:g}"

    def _tell_verdict(self, event: VerdictEvent) -> None:
        verdict = event["verdict"]
        if event["best"]:
            self.kept = event["image"]["path"]
        if self._batch > MAX_SHOWN and not event["best"]:
            return
        standing = ", the best so far" if event["best"] and len(self._images) > 1 else ""
        standing += ", uncalibrated" if verdict.get("uncalibrated") else ""
        self.say(f"  {event['image']['id']} scores {verdict['score']:.2f}{standing}", "green" if event["best"] else "")
        for concept in verdict["concepts"]:
            mark, style = ("+", "green") if concept["present"] else ("-", "red")
            word = presence_in_words(concept)
            self.say(f"    {mark} {printable(concept['concept'])}: {word} ({concept['score']:.2f})", style)

    def _tell_captions(self, event: CaptionsEvent) -> None:
        for concept, captions in event["captions"].items():
            shown = "; ".join(f'"{printable(caption)}"' for caption in captions[:MAX_SHOWN])
            self.say(f"  looking up {printable(concept)}: {shown}")

    def _tell_references(self, event: ReferencesEvent) -> None:
        if not event["references"]:
            self.say("  the library has nothing close enough")
        for record in event["references"]:
            self._references[record["id"]] = record
        by_concept: dict[str, list[ReferenceRecord]] = {}
        for record in event["references"]:
            by_concept.setdefault(record["concept"], []).append(record)
        for concept, records in by_concept.items():
            more = f", and {len(records) - MAX_REFERENCES} more" if len(records) > MAX_REFERENCES else ""
            self.say(f"  found for {printable(concept)}{more}:")
            for record in records[:MAX_REFERENCES]:
                self.say(
                    f"    {record['id']}  {printable(record['title'])}, similarity {record['similarity']:.2f}, "
                    f"{printable(credit_of(record))}"
                )

    def _tell_stop(self, event: StopEvent) -> None:
        self.stopped = event["detail"]
        self.say(f"stopped: {printable(event['detail'])} ({event['reason']})", "bold")
