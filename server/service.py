"""The one engine behind every interface: the graph, its threads, the queue, and who owns what."""

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from imagerag.embedders.registry import clip_model
from imagerag.errors import BudgetExceeded, Cancelled, FileError, InvalidArgument, ServiceError, UserError
from imagerag.graphs.streaming import stream_run
from imagerag.interruptible import WARMING
from imagerag.profiles.resolve import RunSettings
from imagerag.server.cleaning import remove_if_unreferred
from imagerag.server.conversations import Conversations
from imagerag.server.database import ANONYMOUS, Database, Entry
from imagerag.server.database_file import DatabaseFailed
from imagerag.server.image_search import ImageSearch
from imagerag.server.job_queue import Job, JobQueue, NotYet, QueueFull
from imagerag.server.offers import NO_CHOICE, Offers, PartChoice
from imagerag.server.retention import Retention
from imagerag.server.run import Run, RunRequest
from imagerag.server.run_parts import RunParts
from imagerag.server.run_registry import RunRegistry
from imagerag.server.single_tool import use_tool
from imagerag.server.thread_history import Threads, thread_name
from imagerag.server.thread_labels import ThreadLabels
from imagerag.server.thread_turn import ThreadTurn
from imagerag.settings import Settings
from imagerag.steady_clock import steady_time
from imagerag.store.home import home_directory
from imagerag.tool_registry import REGENERATE

if TYPE_CHECKING:
    from imagerag.store.manifest import Manifest

_log = logging.getLogger(__name__)

NAMED_WITHOUT_KEY = (
    "without a key, {0!r} is a new conversation each time; this one is {1!r}: give that name to go on, or send a key "
    "of your own with each request"
)


class Service:
    """Holds the models once and serves all interfaces of a process.

    Args:
        settings: settings of the server; those of a request never exceed its limits.
        job_queue: the queue.
        components: parts for ``build_graph``, instead of those that the context names.

    Raises:
        UserError: the data directory can't be used.
    """

    def __init__(self, settings: Settings, job_queue: JobQueue | None = None, **components: Any) -> None:
        from imagerag.graphs.agent_graph import build_graph
        from imagerag.graphs.checkpointer import open_checkpointer
        from imagerag.tools.builtin import make_tools

        home = home_directory(settings.home)
        self.asked = dataclasses.replace(settings, home=str(home), thread=None, out=None, subject=())
        self.parts = RunParts(self.asked, components)
        self.job_queue = job_queue or JobQueue()
        self.components = self.parts.own
        self.store = self.components.store
        self.database = Database(home)
        self.labels = ThreadLabels(self.database.file)
        self._files = contextlib.ExitStack()
        self._saver = self._files.enter_context(open_checkpointer(home))
        self.graph = build_graph(checkpointer=self._saver, **components)
        self.threads = Threads(self.graph, self._saver, self.database)
        self.tools = {tool.name: tool for tool in make_tools()}
        self._lock = threading.Lock()
        self.register = RunRegistry(self.database)
        self.register.take_up()
        days = self.settings.keep_days
        self._retention = Retention(home, days) if days is not None else None

    def set_limits(self, limits: Mapping[str, Any]) -> None:
        """Let these limits hold for the runs to come, whatever was asked for before.

        Raises:
            UserError: one is out of its range.
        """
        self.asked = dataclasses.replace(self.asked, **limits)
        self.parts.set_limits(self.asked, limits)

    @property
    def settings(self) -> RunSettings:
        """The server's own settings, with nothing left open."""
        return self.parts.settings

    @property
    def offers(self) -> Offers:
        """The parts that clients may choose."""
        return self.parts.offers

    def begin_warming(self) -> None:
        """Load the models on a thread of their own; a run that comes meanwhile waits for those it needs."""

        def warm() -> None:
            with contextlib.suppress(UserError):  # the first run tells
                self.warm()

        threading.Thread(target=warm, name=WARMING, daemon=True).start()

    def warm(self) -> None:
        """Load the models and build the index now, rather than with the first request and the first look-up."""
        from imagerag.index.search import CombinedIndex

        components = self.components
        for part in (components.driver, components.generator, components.critic, components.writer):
            assert part is not None
        if isinstance(index := components.index, CombinedIndex) and index.library is not None:
            index.library.ensure_library()

    def create(self, client: str, ask: RunRequest) -> Run:
        """Queue the whole loop for one request and return at once.

        Raises:
            Busy: the queue is full.
            UserError: a value that no run can be made with, a part that is not offered, a thread that waits for the
                person's word, or too many that may come to.
        """
        run = Run(client, thread_name(ask.thread, client), ask)
        run.ask = ask = self.parts.settled(ask, lambda: self._chosen_before(client, run.thread))
        self.register.admit(run)
        notes = ask.notes
        if ask.thread and run.thread != ask.thread:
            notes = (*notes, NAMED_WITHOUT_KEY.format(ask.thread, run.thread))
        for text in notes:
            run.tell({"event": "note", "text": text})
        return self._submit(run, lambda: self._create(run, ask))

    def decide(self, run: Run, references: Sequence[str] | None) -> None:
        """Go on with a run that asks about its redraw: with these references, or not at all (``None``).

        Raises:
            Busy: the queue is full; it asks on.
            InvalidArgument: it asks nothing, or a reference is none of those that it found.
        """
        with self._lock:
            question = run.question
            if run.asking is None or question is None:
                raise InvalidArgument(f"run {run.id!r} asks nothing")
            found = [record["id"] for record in question["references"]]
            for name in references or ():
                if name not in found:
                    raise InvalidArgument(f"{name[:80]!r} is not among the references found; valid: {', '.join(found)}")
            (arguments, since), run.asking = run.asking, None
        decision: dict[str, Any] = {"type": "reject"}
        if references is not None:
            edited = {"name": REGENERATE, "args": {**arguments, "reference_ids": list(references)}}
            decision = {"type": "edit", "edited_action": edited}
        answer = {"decisions": [decision], "waited": steady_time() - since}
        try:
            self._submit(run, lambda: self._resume(run, answer))
        except QueueFull:
            run.asking = (arguments, since)
            raise

    def use_tool(self, client: str, thread: str, name: str, arguments: Mapping[str, Any]) -> Run:
        """Queue one call of one of the five tools on a thread's images and references, and return at once.

        Raises:
            Busy: the queue is full.
            UserError: not a thread's name, or a thread that waits for the person's word.
        """
        run = Run(client, thread_name(thread, client))
        self.register.admit(run)
        return self._submit(run, lambda: use_tool(self, run, name, dict(arguments)))

    def cancel(self, run: Run) -> None:
        """Stop a run: at once if it waits, else at its next denoising step. One that asks gets no for an answer."""
        if run.asking is not None:
            self.decide(run, None)
        elif run.job is not None:
            self.job_queue.cancel(run.job)

    def running(self, client: str, thread: str) -> list[Run]:
        """Return the runs of a client's thread that have not ended."""
        return [run for run in self.register.under_way() if (run.client, run.thread) == (client, thread)]

    def run(self, run_id: str, client: str) -> Run | None:
        """Return a client's own run, while it is remembered."""
        found = self.register.find(run_id)
        return found if found is not None and found.client == client else None

    def position(self, run: Run) -> int:
        """Return how many requests come before this one; 0 when it runs or has ended."""
        return 0 if run.job is None else self.job_queue.position(run.job)

    def generations(self, run: Run) -> int:
        """Return how many batches a run may draw at most; 1 for the call of a single tool."""
        if run.ask is None:
            return 1
        return self._settings(run.ask).max_generations or self.settings.max_generations or 1

    def enter(self, run: Run, records: Any) -> dict[str, Entry]:
        """Give images and references of a run ids to be asked for by; returns the entries by name."""
        # An image that an answer in words shows again leads back to the turn that drew it.
        answered = run.output is not None and run.output["stop_reason"] == "answered"
        return self.database.enter(run.client, run.thread, records, None if answered else run.checkpoint)

    def latest(self, client: str, limit: int = 100) -> list[Entry]:
        """Return a client's newest images and uploads; none of those of clients who can't be told apart."""
        return [] if client == ANONYMOUS else self.database.latest(client, limit)

    def conversations(self, client: str, limit: int = 100) -> list[str]:
        """Return a client's threads, the one last drawn in first; none of those of clients who can't be told apart."""
        return [] if client == ANONYMOUS else [name for name, _ in self.database.threads(client, limit)]

    @property
    def image_search(self) -> ImageSearch:
        """What finds a client's images, by the CLIP model that looks references up."""
        settings = self.settings
        return ImageSearch(
            self.database, lambda: clip_model(settings.lookup_models[0], settings.device_settings), self.picture
        )

    def conversations_of(self, client: str) -> Conversations:
        """Return a client's conversations as a whole: to show, rename and delete them."""
        return Conversations(self._saver, self.database.file, client)

    def delete_conversation(self, client: str, thread: str) -> None:
        """Delete a client's conversation, and what is remembered of its runs; its images go with the next cleaning.

        Raises:
            UserError: there is none of that name, or a run of it is under way.
        """
        self.conversations_of(client).delete(thread)
        self.register.forget(client, thread)

    def picture(self, entry: Entry) -> Any:
        """Open an entry's image (``PIL.Image``)."""
        from imagerag.tools.engines import open_pixels

        return open_pixels(self.components, cast("Any", {"kind": entry.kind, "sha256": entry.sha256}))

    def file(self, entry: Entry) -> bytes:
        """Return an entry's image as a PNG file; one that was drawn says how, see ``imagerag.store.exports``."""
        from imagerag.store.exports import drawing_file
        from imagerag.store.png import encode_png

        picture = self.picture(entry)
        if entry.kind != "image":
            return encode_png(picture)
        return drawing_file(picture, self.manifest(entry), self.store.signer)

    def forget(self, entry: Entry) -> None:
        """Delete an entry, and its image unless something else refers to it."""
        self.database.forget(entry.id, entry.client)
        if self.database.failing is None:  # else nobody knows what refers to it
            remove_if_unreferred(self.store, self.database.file, self._saver, entry.sha256)

    def manifest(self, entry: Entry) -> "Manifest":
        """Return how an entry's image was made, without a word of where things are on this machine."""
        return self.store.manifest(entry.sha256).without_places()

    def stop_runs(self) -> None:
        """Let the runs end at their next denoising step, with the best image they have; for a server that ends."""
        self.job_queue.cancel_all()

    def close(self) -> None:
        """Stop everything and close the files."""
        if self._retention is not None:
            self._retention.close()
        self.job_queue.close()
        self.database.close()
        self._files.close()

    def _submit(self, run: Run, work: Any) -> Run:
        turn = ThreadTurn(self.threads, run, lambda: self._seconds(run))

        def in_turn(job: Job) -> None:
            ready.wait()
            asks = False  # not read off the run: a quick answer may have set it going again by now
            try:
                with turn.alone():
                    asks = bool(work())
            except NotYet:  # it has begun nothing
                raise
            except BaseException as error:  # a package's SystemExit or a panic of Chroma's ends this run alone
                self._fail(run, error)
            self._keep(run, asks)

        ready = threading.Event()  # the work must not begin before the run knows its job
        key = f"{run.client}/{run.thread}"
        run.job = self.job_queue.submit(run.client, in_turn, key, on_end=lambda job: self._end_early(run))
        ready.set()
        self.register.enter(run)
        return run

    @staticmethod
    def _fail(run: Run, error: BaseException) -> None:
        """Enter what a run has failed with; the log tells what its client is not told."""
        if isinstance(error, Cancelled):
            if run.turn is not None:
                run.error = error
            return
        if not isinstance(error, UserError | InvalidArgument | BudgetExceeded):
            _log.error("a run failed", exc_info=error)
        elif isinstance(error, FileError | ServiceError):
            _log.error("a run failed: %s", error)  # the client is told neither path nor address
        run.error = error if isinstance(error, Exception) else RuntimeError(f"it was ended by {type(error).__name__}")

    def _end_early(self, run: Run) -> None:
        """End a run whose turn in the queue has not come, or not come again after the person's answer."""
        self._keep(run, asks=False)

    def _keep(self, run: Run, asks: bool) -> None:
        """Keep what a run has told, and end it unless it asks, whatever comes of the keeping."""
        try:
            self.register.keep(run, asks)
            if note := self.database.failing:
                run.tell({"event": "note", "text": note})
        except Exception as error:
            _log.exception("what run %s has told can't be kept", run.id)
            run.error = run.error or (error if run.output is None else None)
        finally:
            if not asks:
                run.end()

    def _seconds(self, run: Run) -> float:
        asked = self._settings(run.ask).max_seconds if run.ask else None
        return (self.settings.max_seconds if asked is None else asked) or 0.0

    def _settings(self, ask: RunRequest) -> Settings:
        return self.parts.requests.of(ask)

    def _chosen_before(self, client: str, thread: str) -> PartChoice:
        """Return the parts that were chosen in a conversation, the requests that still wait included."""
        asked = [run.ask for run in self.running(client, thread) if run.ask is not None]
        if asked:
            return asked[-1].choice
        try:
            told = self.database.last_told(client, thread)
        except DatabaseFailed:  # of which each run tells
            return NO_CHOICE
        return PartChoice(**told.told.get("choice", {})) if told else NO_CHOICE

    def _create(self, run: Run, ask: RunRequest) -> bool:
        import base64

        from langchain_core.messages import HumanMessage

        content: list[str | dict[Any, Any]] = [{"type": "text", "text": ask.prompt}]
        for picture in ask.pictures:
            data = base64.b64encode(picture).decode("ascii")
            content.append({"type": "image", "base64": data, "mime_type": "application/octet-stream"})
        request: dict[str, Any] = {"messages": [*(HumanMessage(text) for text in ask.earlier), HumanMessage(content)]}
        if ask.mask is not None:
            request["mask"] = str(self.store.put_user_image(ask.mask).path)
            request["masked"] = ask.masked or None
        before = self.threads.state(run.client, run.thread, ask.checkpoint).get("turn", 0)
        run.begins = before + 1
        try:
            return self._stream(run, request, ask.checkpoint)
        finally:
            turn = self.threads.state(run.client, run.thread).get("turn", 0)
            run.turn = turn if turn > before else None  # one that fails at once begins none

    def _resume(self, run: Run, answer: dict[str, Any]) -> bool:
        from langgraph.types import Command

        if not self.graph.get_state(self.threads.config(run.client, run.thread)).interrupts:
            raise UserError(
                f"conversation {run.thread!r} has gone on elsewhere since this redraw was asked about, so it isn't made"
            )
        return self._stream(run, Command(resume=answer))

    def _stream(self, run: Run, request: Any, checkpoint: str | None = None) -> bool:
        """Run the graph to its end, or to the point where it asks the person; tell whether it does."""
        assert run.job is not None
        assert run.ask is not None
        settings = dataclasses.replace(self._settings(run.ask), cancel=run.job.cancelled)
        values = stream_run(
            self.graph, request, self.threads.config(run.client, run.thread, checkpoint), settings, run.tell
        )
        state = self.graph.get_state(self.threads.config(run.client, run.thread))
        run.parts = self.parts.names(run.ask, state.values.get("profile"))
        if state.interrupts:
            self._ask(run, state)
            return True
        run.checkpoint = cast("Any", state.config)["configurable"].get("checkpoint_id")
        # From here on each image leads back to this state of the thread, whether an interface has shown it or not.
        self.enter(run, values["images"])
        run.output = values
        return False

    def _ask(self, run: Run, state: Any) -> None:
        request = state.interrupts[0].value["action_requests"][0]
        chosen = list(request["args"].get("reference_ids", ()))
        found = [record for record in state.values["all_references"] if record["kind"] != "subject"]
        concepts = {record["concept"] for record in found if record["id"] in chosen}
        run.asking = (request["args"], steady_time())
        event = {
            "event": "approval",
            "chosen": chosen,
            "references": [record for record in found if record["concept"] in concepts],
            "most": self.parts.of(run.ask).generator.max_references,
        }
        run.tell(event)
