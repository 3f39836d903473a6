"""``imagerag chat``: a conversation in the terminal, with the whole of the thread at hand."""

import argparse
import contextlib
import queue
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO, cast

from imagerag.attribution import credit_of
from imagerag.cli.approval import HOW, Approval
from imagerag.cli.chat_redraws import HELP as REDRAWS_HELP
from imagerag.cli.chat_redraws import Redraws
from imagerag.cli.interrupt import Ended, cancel_on_interrupt
from imagerag.cli.options import settings_of
from imagerag.cli.progress import ProgressBars
from imagerag.cli.result_file import copied_here, open_file
from imagerag.cli.run_printer import PrinterConsole, RunPrinter
from imagerag.cli.serve import open_service
from imagerag.cli.terminal import printable, write_sequence
from imagerag.cli.terminal_images import PROTOCOLS, Protocol, detected, escape
from imagerag.cli.typed_lines import typed_lines
from imagerag.errors import UserError
from imagerag.graphs.budget import merge_limits
from imagerag.graphs.state_queries import is_request
from imagerag.records import ImageRecord, ReferenceRecord
from imagerag.regular_files import read_regular
from imagerag.server.job_queue import QueueFull
from imagerag.server.run import Run, RunRequest
from imagerag.server.service import Service
from imagerag.server.thread_history import LOCAL, thread_name
from imagerag.settings import load_settings

HELP = f"""\
{REDRAWS_HELP.rstrip()}
  /undo              take the last turn back
  /branch NAME       go on in a copy of this conversation, and leave this one as it is
  /refs              the references of this conversation, with source and licence
  /images            its images, with scores and lineage
  /budget            the limits; /budget max_generations=3 max_seconds=60 sets them for the turns to come
  /approve on|off    ask about the references before each redraw: keep, reject or swap them (off at first)
  /save [FILE]       copy the last turn's best image here once more, or to FILE
  /open [IMAGE]      show the last turn's best image, or another one of /images, outside the terminal
  /help              print this
  /quit              end; Ctrl-D too. The conversation is kept.
Everything else is drawn, changes what was ("now put it on a boat", "go back to image-2 and make it red", "undo"), or is
answered in words: "what did you draw?".
"""


def chat(options: argparse.Namespace, stdout: TextIO) -> int:
    """Talk until the person ends it, and return the exit status.

    Raises:
        UserError: something the person has to put right first.
    """
    if options.inline not in ("auto", *PROTOCOLS):
        raise UserError(f"inline {options.inline!r} is not known; give --inline one of: auto, {', '.join(PROTOCOLS)}")
    on_terminal = sys.stdin.isatty() and stdout.isatty()
    chosen = detected() if on_terminal else "none"
    protocol: Protocol = chosen if options.inline == "auto" else options.inline
    named = load_settings(settings_of(options), file=Path(options.config) if options.config else None).thread
    service = open_service(options)
    try:
        talk = Chat(service, thread_name(named or ""), stdout, protocol, copies=not options.no_copy)
        talk.greet()
        service.begin_warming()  # while the person thinks of something
        for line in typed_lines(on_terminal, Path(service.components.home)):
            if not talk.take(line):
                break
        talk.leave()
    except Ended as ended:
        talk.leave()
        kept = f"the conversation is kept; go on with: imagerag chat --thread {talk.thread}"
        raise Ended(ended.status, kept) from ended
    finally:
        service.close()
    return 0


class Chat:
    """One conversation.

    Args:
        service: the engine.
        thread: the conversation; begun if there is none of that name.
        stdout: where it is told.
        protocol: how this terminal shows pictures.
        copies: the best image of each turn to the current folder, under a readable name.
    """

    def __init__(
        self, service: Service, thread: str, stdout: TextIO, protocol: Protocol = "none", *, copies: bool = True
    ) -> None:
        self._service = service
        self.thread = thread
        self._stdout = stdout
        self._protocol = protocol
        self._copies = copies
        self._copied: dict[str, str] = {}
        """Paths of the copies made here, by the path in the data directory."""
        self._bars = ProgressBars()
        self._story = self._new_story()
        self._asks_first = False
        self._run: Run | None = None
        self._events: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._approval: Approval | None = None
        self._redraws = Redraws(service.threads, service.store, lambda: self.thread, self._go_to, self._draw, self._say)
        self._commands: dict[str, Callable[[str], None]] = {
            **{name: self._if_over(does) for name, does in self._redraws.commands.items()},
            "/undo": self._undo,
            "/branch": self._if_over(self._branch),
            "/refs": self._refs,
            "/images": self._images,
            "/budget": self._budget,
            "/approve": self._approve,
            "/save": self._save,
            "/open": self._open,
            "/help": lambda rest: self._say(HELP.rstrip()),
        }

    def greet(self) -> None:
        """Say where we are."""
        turns = len([message for message in self._state().get("messages", ()) if is_request(message)])
        where = f"conversation {self.thread!r}, {turns} turns so far" if turns else f"new conversation {self.thread!r}"
        self._say(f"{where}; say what to draw, or /help")
        for run in self._service.running(LOCAL, self.thread):  # left open by a process that was ended
            self._run, self._story, self._events = run, self._new_story(), queue.SimpleQueue()
            run.listen(self._events.put)
            self._follow(run)

    def take(self, line: str) -> bool:
        """Do what a line says, and tell whether to go on. What the person can mend is told and changes nothing."""
        text = line.strip()
        if text in ("/quit", "/exit"):
            self.leave()
            return False
        if not text:
            return True
        try:
            if text.startswith("/"):
                command, _, rest = text.partition(" ")
                if command not in self._commands:
                    raise UserError(f"{command!r} is no command; see /help")
                self._commands[command](rest.strip())
                if self._approval is not None:
                    self._say(f"  the redraw still waits for your word: {HOW}")
            elif self._approval is not None:
                self._answer(text)
            else:
                self._draw(text)
        except (UserError, QueueFull) as error:
            self._bars.clear()
            self._say(f"  {error}", "red")
        return True

    def _draw(self, prompt: str, /, **ask: Any) -> None:
        self._story = self._new_story()
        self._story.know(self._state().get("all_references", ()))
        self._events = queue.SimpleQueue()
        self._run = self._service.create(LOCAL, self._request(prompt, ask))
        self._run.listen(self._events.put)
        self._follow(self._run)

    def _request(self, prompt: str, ask: Mapping[str, Any]) -> RunRequest:
        return RunRequest(prompt, thread=self.thread, approve=self._asks_first, size=self._redraws.size, **ask)

    def _follow(self, run: Run) -> None:
        """Tell what happens, to the run's end or to where it asks."""
        with cancel_on_interrupt() as cancel, contextlib.redirect_stdout(sys.stderr):
            self._bars.busy("getting ready")
            while True:
                if cancel.is_set():
                    self._service.cancel(run)
                try:
                    event = self._events.get(timeout=0.1)
                except queue.Empty:
                    continue
                if event is None:
                    break
                if event["event"] == "approval":
                    self._bars.clear()
                    self._approval = Approval(event)
                    for record in event["references"]:
                        if record["id"] in self._approval.chosen:
                            self._show(record)
                    self._ask()
                    return
                self._story.tell(cast("Any", event))
                if event["event"] == "images":
                    for record in event["images"][:4]:
                        self._show(record)
        self._bars.clear()
        if cancel.ends_process:
            raise Ended(cancel.status)
        if isinstance(run.error, UserError):
            raise run.error
        if run.error is not None:
            raise RuntimeError("the run failed") from run.error
        if run.output is not None and run.output["image"] is not None:
            self._hand_over(run.output["image"], run.output["stop_reason"] != "answered")

    def _hand_over(self, image: ImageRecord, drawn: bool) -> None:
        """Say where the picture is for the person: what this turn has drawn is copied to the current folder first."""
        from imagerag.store.output_files import readable_name

        stored = image["path"]
        if drawn and self._copies:
            copy, told = copied_here(stored, readable_name(image["prompt"]))
            if told:
                self._say(f"  note: {told}")
            else:
                self._copied[stored] = copy
        if drawn or stored in self._copied:  # of an answer, the picture as it stands
            self._say(self._path(image), "bold")

    def _path(self, image: ImageRecord) -> str:
        """Return where an image is: the copy that this chat has made for the person, while it is still there."""
        copy = self._copied.get(image["path"])
        return copy if copy is not None and Path(copy).exists() else image["path"]

    def _ask(self) -> None:
        assert self._approval is not None
        for line in self._approval.lines():
            self._say(line)

    def _answer(self, text: str) -> None:
        assert self._approval is not None
        assert self._run is not None
        if not self._approval.take(text):
            self._ask()
            return
        self._service.decide(self._run, self._approval.chosen or None)
        self._approval = None
        self._follow(self._run)

    def leave(self) -> None:
        """End a run that still asks; its best image is kept."""
        if self._approval is not None and self._run is not None:
            self._approval = None
            self._service.cancel(self._run)
            self._run.wait(10)

    def _approve(self, rest: str) -> None:
        if rest not in ("on", "off", ""):
            raise UserError(f"{rest!r} is neither on nor off; say: /approve on")
        self._asks_first = rest == "on" if rest else self._asks_first
        self._say(f"  asking about references before a redraw: {'on' if self._asks_first else 'off'}")

    def _undo(self, rest: str) -> None:
        self.leave()  # a turn that asks is taken back without an answer
        before = self._service.threads.undo(LOCAL, self.thread)
        if before is None:
            raise UserError("there is no turn to take back")
        self._say(f"  back to: {printable(before)}" if before else "  back to the beginning")

    def _go_to(self, thread: str) -> None:
        self.thread = thread

    def _if_over(self, command: Callable[[str], None]) -> Callable[[str], None]:
        """Return a command that is refused while the turn waits for the person's word."""

        def refusing(rest: str) -> None:
            if self._approval is not None:
                raise UserError(f"this turn is not over; give your word on the redraw first: {HOW}")
            command(rest)

        return refusing

    def _branch(self, name: str) -> None:
        if not name:
            raise UserError("give the copy a name: /branch NAME")
        self._service.threads.branch(LOCAL, self.thread, thread_name(name))
        self._say(f"  from here on in {name!r}; {self.thread!r} stays as it is")
        self.thread = name

    def _refs(self, rest: str) -> None:
        references: list[ReferenceRecord] = self._state().get("all_references", [])
        if not references:
            self._say("  no references yet")
        for record in references:
            what = f" for {printable(record['concept'])}" if record["concept"] else ""
            where = printable(credit_of(record))
            self._say(f"  {record['id']}{what}: {printable(record['title'])}, {where}")
            self._show(record)

    def _images(self, rest: str) -> None:
        images: list[ImageRecord] = self._state().get("all_images", [])
        if not images:
            self._say("  no images yet")
        for record in images:
            score = "not judged" if record["score"] is None else f"score {record['score']:.2f}"
            parent = f", redraw of {record['parent']}" if record["parent"] else ""
            references = f", with {', '.join(record['references'])}" if record["references"] else ""
            self._say(f"  {record['id']}  {score}, seed {record['seed']}{parent}{references}  {self._path(record)}")

    def _budget(self, rest: str) -> None:
        given: dict[str, Any] = {}
        for pair in rest.split():
            name, equals, value = pair.partition("=")
            if name not in merge_limits(self._service.settings) or not equals:
                raise UserError(f"{pair!r} is no limit; say, for example: /budget max_generations=3")
            try:
                given[name] = (
                    float(value) if name in ("max_seconds", "max_loading_seconds", "max_money") else int(value)
                )
            except ValueError as error:
                raise UserError(f"{name} {value!r} is not a number; say, for example: /budget {name}=3") from error
        # The person at the terminal is the one who set the limits, so these replace them rather than stay below.
        self._service.set_limits(given)
        for limit, most in merge_limits(self._service.settings).items():
            self._say(f"  {limit}: {'no limit' if most is None else most}")

    def _best(self, purpose: str) -> ImageRecord:
        state = self._state()
        best = next((one for one in state.get("all_images", ()) if one["id"] == state["best"]), None)
        image: ImageRecord | None = best or state.get("image")
        if not image:
            raise UserError(f"there is no image to {purpose} yet")
        return image

    def _open(self, rest: str) -> None:
        image = self._best("open")
        if rest:
            images = {record["id"]: record for record in self._state()["all_images"]}
            if rest not in images:
                raise UserError(f"{rest[:40]!r} is no image of this conversation; valid: {', '.join(images)}")
            image = images[rest]
        path = self._path(image)
        self._say(f"  {open_file(path) or path}")

    def _save(self, rest: str) -> None:
        from imagerag.store.output_files import readable_name, write_new

        image = self._best("save")
        target = Path(rest).expanduser() if rest else Path(f"{readable_name(image['prompt'])}.png")
        if target.is_dir():
            target = target / f"{readable_name(image['prompt'])}.png"
        if target.suffix not in ("", ".png"):
            raise UserError(f"{target.name!r} does not end in .png; images are saved as PNG, with their manifest")
        data = read_regular(image["path"], links=False)
        self._say(f"  {write_new(target.parent, target.stem, target.suffix or '.png', data)}")

    def _show(self, record: ImageRecord | ReferenceRecord) -> None:
        if self._protocol == "none":
            return
        from imagerag.tools.engines import open_pixels

        write_sequence(escape(open_pixels(self._service.components, record), self._protocol), self._stdout)

    def _state(self) -> dict[str, Any]:
        return self._service.threads.state(LOCAL, self.thread)

    def _say(self, text: str, style: str = "") -> None:
        self._story.say(text, style)

    def _new_story(self) -> RunPrinter:
        return RunPrinter(PrinterConsole(file=self._stdout), self._bars)
