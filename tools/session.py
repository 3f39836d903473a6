"""What the tools work on: the images and references of one thread, and the engines; it collects what they make."""

import base64
import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal, cast

from PIL import Image

from imagerag.chat_models.usage_meter import current_meter
from imagerag.errors import (
    BudgetExceeded,
    Cancelled,
    DrawingFailed,
    DrawingRefused,
    InvalidArgument,
    UserError,
    first_line,
)
from imagerag.generators.base import (
    DrawControl,
    Drawing,
    DrawRequest,
    DrawsBatches,
    DrawsFast,
    DrawsWithLoras,
    PlacesWeights,
    Redraw,
    Reference,
    StopCheck,
    TakesNegatives,
    source_type,
)
from imagerag.generators.isolation import Region, isolated
from imagerag.generators.registry import is_images_api
from imagerag.generators.sizing import draw_sized
from imagerag.index.base import Hit
from imagerag.interruptible import run_interruptibly, using_check
from imagerag.licences import UNKNOWN
from imagerag.picture_size import PictureSize
from imagerag.places import without_place
from imagerag.prompt_grammar.negatives import negative_for
from imagerag.records import ImageRecord, QuoteRecord, ReferenceRecord
from imagerag.settings import MCP
from imagerag.store.images import StoredImage
from imagerag.store.manifest import Manifest, ManifestQuote, ManifestRedraw, ManifestReference
from imagerag.store.moderation import is_moderated, refusal
from imagerag.store.png import encode_png
from imagerag.tools.drawing_cost import cost_of_drawing
from imagerag.tools.engines import Engines, open_pixels

PREVIEW_SIDE = 128
"""Pixels on the longer side of a preview: enough to see where things will be, in some 30 kB of PNG."""

CREDIT: Sequence[Literal["creator", "link", "licence_link"]] = ("creator", "link", "licence_link")
"""What a record says of whom to thank, where that is known."""

Emit = Callable[[Mapping[str, object]], None]

_log = logging.getLogger(__name__)


@dataclass
class ToolSession:
    """One thread's images and references, as the tools of one step see and extend them.

    The graph makes one per step from its state and reads ``made_images`` and ``made_references`` back; another
    program can keep one for as long as it likes.

    Attributes:
        images, references: what the thread has so far, by id.
        quotes: what encyclopedias have said of concepts in this turn.
        subject_ids: of the user's own images that this turn draws with; ``None`` for all of the thread.
        seed: of the first candidate of the turn; later candidates count on from it.
        n: candidates per drawing.
        size: of the pictures; ``None`` leaves it to the generator.
        negative: what the pictures must not show, for generators that take that.
        redraw: the image of which each drawing is a part anew; ``None`` for whole images.
        batch: draw the candidates at once, where the generator can.
        fast: the generator was to draw fast, where it can.
        begin_drawing: called before each batch; raises ``BudgetExceeded`` where no more may be drawn.
        check: called before each denoising step; raises to stop there.
        describe: gives the captions nearest to an image, with cosines, where the model that reads can't see images.
        seconds_left: returns the seconds that the run has left.
        emit: receives the events of ``imagerag.graphs.events``.
    """

    components: Engines
    images: dict[str, ImageRecord] = field(default_factory=dict)
    references: dict[str, ReferenceRecord] = field(default_factory=dict)
    quotes: list[QuoteRecord] = field(default_factory=list)
    prompt: str = ""
    subject_ids: Sequence[str] | None = None
    seed: int = 0
    n: int = 1
    size: PictureSize | None = None
    negative: str = ""
    redraw: Redraw | None = None
    batch: bool = False
    fast: bool = False
    turn: int = 1
    step: int = 0
    begin_drawing: Callable[[], None] = lambda: None
    check: StopCheck | None = None
    emit: Emit = lambda event: None
    describe: Callable[[Image.Image], list[tuple[str, float]]] | None = None
    seconds_left: Callable[[], float] = lambda: math.inf
    made_images: list[ImageRecord] = field(default_factory=list)
    made_references: list[ReferenceRecord] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _regions: dict[str, Region | None] = field(default_factory=dict)
    _words: dict[str, str | None] = field(default_factory=dict)

    def image(self, image_id: str) -> ImageRecord:
        """Return the record of an image of this thread.

        Raises:
            InvalidArgument: no such image; the message lists those there are.
        """
        if image_id not in self.images:
            have = ", ".join(self.images) or "none yet; call generate first"
            raise InvalidArgument(f"image_id {image_id[:80]!r} is not an image of this thread; valid: {have}")
        return self.images[image_id]

    def image_or_reference(self, name: str) -> ImageRecord | ReferenceRecord:
        """Return the record of an image or a reference of this thread.

        Raises:
            InvalidArgument: neither has that id; the message lists those there are.
        """
        record = self.images.get(name) or self.references.get(name)
        if record is None:
            have = ", ".join([*self.images, *self.references]) or "none yet; call generate first"
            raise InvalidArgument(
                f"image_id {name[:80]!r} is not an image or a reference of this thread; valid: {have}"
            )
        return record

    def picked_references(self, reference_ids: Sequence[str]) -> list[ReferenceRecord]:
        """Return the named references, without repeats, in order.

        Raises:
            InvalidArgument: no such reference; the message lists those there are.
        """
        for reference_id in reference_ids:
            if reference_id not in self.references:
                have = ", ".join(self.references) or "none yet; call search_references first"
                raise InvalidArgument(
                    f"reference id {reference_id[:80]!r} is not a reference of this thread; valid: {have}"
                )
        return [self.references[reference_id] for reference_id in dict.fromkeys(reference_ids)]

    @property
    def subjects(self) -> list[ReferenceRecord]:
        """The user's own images, which are drawn with whenever references are."""
        own = [record for record in self.references.values() if record["kind"] == "subject"]
        return own if self.subject_ids is None else [record for record in own if record["id"] in self.subject_ids]

    def pixels(self, record: ImageRecord | ReferenceRecord) -> Image.Image:
        """Open an image or a reference of this thread."""
        return open_pixels(self.components, record)

    def draw(
        self,
        prompt: str,
        references: Sequence[ReferenceRecord] = (),
        reference_scale: float = 0.0,
        seed: int | None = None,
        parent: str | None = None,
    ) -> list[ImageRecord]:
        """Draw one batch of ``n`` candidates, store each, and return their records.

        Raises:
            BudgetExceeded, Cancelled: before or between denoising steps; what earlier batches made is kept.
            DrawingFailed: the generator can't take this, or it failed.
            UserError: it failed where nothing is made yet and nothing can be left out: only the person can help.
        """
        self._check_licences(references)
        with self.lock:
            self.begin_drawing()
            if self.check:
                self.check()
            first = self._next_seed() if seed is None else seed
            seeds = tuple((first + k) % 2**32 for k in range(self.n))
            with self._failures_of_drawing(references):
                generator = self.components.generator
                if isinstance(generator, PlacesWeights) and not generator.is_placed:
                    with current_meter().loading() as check:
                        run_interruptibly(generator.place, check)
                words = {record["id"]: told for record in references if (told := self._wording(record)) is not None}
                shown = [record for record in references if record["id"] not in words]
                regions = {record["id"]: self._region(record) for record in shown}
                conditions = tuple(self._condition(record, regions[record["id"]]) for record in shown)
                said = _with_words(prompt, [(record["concept"], words.get(record["id"], "")) for record in references])
                scale = reference_scale if shown else 0.0
            takes_negatives = isinstance(generator, TakesNegatives) and generator.takes_negatives
            negative = negative_for(prompt, self.negative) if takes_negatives else ""
            request = DrawRequest(said, seeds, conditions, scale, self.size, self.batch, negative, self.redraw)
            cost = cost_of_drawing(generator, said, [each.image.size for each in conditions], self.n)
            if cost is not None:
                cost.allow(current_meter())
            meter = current_meter()

            def charge(usage: Mapping[str, float]) -> None:
                if cost is not None:
                    cost.enter(meter, usage)

            with self._failures_of_drawing(references), self._end_of_time_told(generator.name):
                preview = (lambda image: None) if is_moderated() else self._preview  # nothing is shown unchecked
                drawings = draw_sized(generator, request, DrawControl(self.check, self._progress, preview, charge))
            drawings, lost = _moderated(drawings)
            records: list[ImageRecord] = []
            for number, drawing in enumerate(drawings, start=1):
                if cost is not None:
                    cost.enter(current_meter(), cast("Mapping[str, float]", drawing.facts.get("usage", {})))
                manifest = Manifest.new(
                    prompt=said,
                    seed=drawing.seed,
                    generator=generator.name,
                    generator_revision=generator.revision,
                    references=[
                        ManifestReference.of(record)
                        .in_part(regions.get(record["id"]))
                        .model_copy(update={"worded": _worded(record, words)})
                        for record in references
                    ],
                    reference_scale=scale,
                    size=str(self.size or ""),
                    loras=generator.loras if isinstance(generator, DrawsWithLoras) else (),
                    negative=negative,
                    redrawn=_manifest_of(self.redraw),
                    quotes=[ManifestQuote(**quote) for quote in self.quotes],
                    facts=dict(drawing.facts),
                    source_type=source_type(generator, shown),
                )
                try:
                    stored = self.components.store.put(drawing.image, manifest)
                except UserError as error:  # those that are stored are not lost by one that can't be
                    if not records and number == len(drawings):
                        raise
                    lost.append(f"image {number} of {len(drawings)} (seed {drawing.seed}) is lost: {error}")
                    continue
                record: ImageRecord = {
                    "id": f"image-{len(self.images) + 1}",
                    "path": str(stored.path),
                    "sha256": stored.sha256,
                    "prompt": prompt,
                    "seed": drawing.seed,
                    "generator": without_place(generator.name),
                    "references": [reference["id"] for reference in references],
                    "reference_scale": reference_scale,
                    "turn": self.turn,
                    "step": self.step,
                    "parent": parent,
                    "score": None,
                    "verdict": None,
                }
                self.images[record["id"]] = record
                records.append(record)
            self.made_images += records
            if self.batch and self.n > 1 and not isinstance(generator, DrawsBatches):
                lost.append(f"--batch is ignored: {generator.name!r} draws candidates in its own way")
            if self.negative and not takes_negatives and self._is_first_of_turn(records):
                lost.append(f"{generator.name!r} takes no negative prompt: {self.negative!r} is judged alone")
            if self.fast and not (isinstance(generator, DrawsFast) and generator.fast):
                lost.append(f"--fast is ignored: {generator.name!r} has no faster way of drawing")
            for text in lost:
                self.emit({"event": "note", "text": text})
            for text in dict.fromkeys(text for drawing in drawings for text in _notes(drawing.facts)):
                self.emit({"event": "note", "text": text})
            self.emit({"event": "images", "images": records})
            return records

    def _region(self, record: ReferenceRecord) -> Region | None:
        """Return the part of a reference that is drawn with, and tell of it; the person's own are drawn with whole."""
        if record["kind"] == "subject":
            return None
        if record["id"] not in self._regions:
            image = self.pixels(record)
            region = self._regions[record["id"]] = self.components.region(image, record["concept"])
            if region is not None:
                part = f"{region.text} of its {image.width}x{image.height} pixels, where {record['concept']!r} is"
                text = f"{record['id']} is {part}; --isolation none leaves it whole"
                self.emit({"event": "note", "text": text})
        return self._regions[record["id"]]

    def _wording(self, record: ReferenceRecord) -> str | None:
        """Return what is said of a reference instead of showing it, and tell of it; ``None`` where it is shown, as the
        person's own are.
        """
        if record["kind"] == "subject":
            return None
        if record["id"] not in self._words:
            told = self.components.wording(self.pixels(record), record["concept"], record["title"])
            self._words[record["id"]] = told
            if told is not None:
                text = f"{record['id']} is not shown to the generator but worded: {told!r}"
                self.emit({"event": "note", "text": f"{text}; --isolation none shows it"})
        return self._words[record["id"]]

    def _condition(self, record: ReferenceRecord, region: Region | None) -> Reference:
        whole = Reference(self.pixels(record), record["concept"], record["kind"], record["sha256"])
        return isolated(whole, region)

    def _check_licences(self, references: Sequence[ReferenceRecord]) -> None:
        """Refuse references of a licence that is not allowed in this run, whatever earlier turns of the thread did.

        What was found elsewhere than on the web has a licence to be looked at only where somebody recorded one.

        Raises:
            DrawingFailed: naming them.
        """
        policy = self.components.licences
        refused = [
            f"{record['id']} ({record['licence']})"
            for record in references
            if record["kind"] != "subject"
            and not (policy.allows if _is_of_others(record) else policy.allows_own)(record["licence"])
        ]
        if refused:
            raise DrawingFailed(
                f"{', '.join(refused)} may not be drawn with: of other people's pictures this run takes "
                f"{policy.in_words} (--licences); take other references, or none"
            )

    def _is_first_of_turn(self, records: Sequence[ImageRecord]) -> bool:
        return sum(record["turn"] == self.turn for record in self.images.values()) == len(records)

    @property
    def has_drawn(self) -> bool:
        """Whether an image was made in this turn, which no later failure may lose."""
        return any(record["turn"] == self.turn for record in self.images.values())

    @contextmanager
    def _end_of_time_told(self, name: str) -> Iterator[None]:
        """Tell whose drawing the time ran out in: a server that never answers is no matter of the limit."""
        try:
            yield
        except BudgetExceeded as stop:
            if stop.kind == "seconds":
                remote = is_images_api(name) or name.startswith("comfyui:")
                way_out = "see that it answers, or raise max_seconds" if remote else "raise max_seconds"
                text = f"{name!r} was still drawing when the time ran out; {way_out}"
                if remote:
                    stop.cause = f"{name!r} was still drawing; {way_out}"
                self.emit({"event": "note", "text": text})
            raise

    @contextmanager
    def _failures_of_drawing(self, references: Sequence[ReferenceRecord]) -> Iterator[None]:
        """Make what fails in drawing a ``DrawingFailed``, after which the run goes on with what there is.

        What only the person can mend stays so where the run has nothing to go on with: no image yet, and no references
        that could be left out, as those that were looked up can be.
        """
        without = bool(references) and all(record["kind"] != "subject" for record in references)
        try:
            yield
        except (DrawingFailed, BudgetExceeded, Cancelled):
            raise
        except InvalidArgument as error:
            raise DrawingFailed(str(error)) from error
        except UserError as error:
            if not self.has_drawn and not without:
                raise
            raise DrawingFailed(str(error)) from error
        except Exception as error:  # engines fail in ways of their own
            if not self.has_drawn:
                raise
            _log.exception("a drawing failed")
            raise DrawingFailed(f"the drawing failed ({type(error).__name__}: {first_line(error)})") from error

    def add_references(self, concept: str, caption: str, hits: Iterable[Hit]) -> list[ReferenceRecord]:
        """Enter look-up results as references of the thread; one that is there already keeps its id."""
        with self.lock:
            known = {(record["sha256"], record["concept"]): record for record in self.references.values()}
            added = []
            for hit in hits:
                record = known.get((hit.sha256, concept))
                if record is None:
                    record = {
                        "id": f"ref-{len(self.references) + 1}",
                        "kind": "retrieved",
                        "path": str(hit.path),
                        "sha256": hit.sha256,
                        "concept": concept,
                        "caption": caption,
                        "title": hit.title,
                        "similarity": round(float(hit.similarity), 4),
                        "source": hit.public_source,
                        "licence": hit.licence,
                    }
                    _add_credit(record, {name: getattr(hit, name) for name in CREDIT})
                    self.references[record["id"]] = record
                    self.made_references.append(record)
                added.append(record)
            return added

    def add_fetched(
        self, stored: StoredImage, concept: str, title: str, source: str, told: Mapping[str, str] | None = None
    ) -> ReferenceRecord:
        """Enter an image that a mounted tool returned as a reference of the thread; the same one keeps its id.

        Args:
            stored: the image.
            concept: what it stands for.
            title: what it is called, unless the tool tells.
            source: the server and the tool.
            told: what the tool tells of it, of ``title``, ``licence``, ``creator``, ``link`` and ``licence_link``.
        """
        said = told or {}
        with self.lock:
            for known in self.references.values():
                if known["kind"] == "fetched" and (known["sha256"], known["concept"]) == (stored.sha256, concept):
                    return known
            record: ReferenceRecord = {
                "id": f"ref-{len(self.references) + 1}",
                "kind": "fetched",
                "path": str(stored.path),
                "sha256": stored.sha256,
                "concept": concept,
                "caption": "",
                "title": said.get("title") or title,
                "similarity": 0.0,
                "source": source,
                "licence": said.get("licence") or UNKNOWN,
            }
            _add_credit(record, said)
            self.references[record["id"]] = record
            self.made_references.append(record)
            return record

    def _next_seed(self) -> int:
        """Count on from the turn's seed, so that no two candidates of a turn share one by accident."""
        return (self.seed + sum(record["turn"] == self.turn for record in self.images.values())) % 2**32

    def _progress(self, done: int, total: int) -> None:
        self.emit({"event": "progress", "what": "drawing", "done": done, "total": total})

    def _preview(self, image: Image.Image) -> None:
        small = image.convert("RGB")
        small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        self.emit({"event": "preview", "png": base64.b64encode(encode_png(small)).decode("ascii")})


def _with_words(prompt: str, told: Sequence[tuple[str, str]]) -> str:
    """Return a prompt with what is said of its concepts, each once, where that says more than their names."""
    lines = [
        f"the {concept}: {words}" if concept else words
        for concept, words in told
        if words and words.casefold() != concept.casefold()
    ]
    return "; ".join([prompt, *dict.fromkeys(lines)])


def _worded(record: ReferenceRecord, words: Mapping[str, str]) -> str:
    """Return what the manifest has of a reference that was worded: never empty, as it is of those that were shown."""
    return (words[record["id"]] or record["concept"] or "nothing") if record["id"] in words else ""


def _moderated(drawings: Sequence[Drawing]) -> tuple[list[Drawing], list[str]]:
    """Return the drawings that may be shown, and what to tell of the others.

    Raises:
        DrawingRefused: none may.
    """
    reasons = [refusal(drawing.image, "drawn") for drawing in drawings]
    if drawings and all(reasons):
        raise DrawingRefused(f"the drawing is not shown ({reasons[0]}); word the prompt otherwise")
    told = [
        f"the drawing of seed {drawing.seed} is not shown ({reason})"
        for drawing, reason in zip(drawings, reasons, strict=True)
        if reason
    ]
    return [drawing for drawing, reason in zip(drawings, reasons, strict=True) if not reason], told


def _is_of_others(record: ReferenceRecord) -> bool:
    """Tell whether a reference is of a web source: one with a page, or found by the image search of an MCP server."""
    return bool(record.get("link")) or (record["kind"] == "retrieved" and record["source"].startswith(f"{MCP}:"))


def _add_credit(record: ReferenceRecord, told: Mapping[str, str]) -> None:
    for name in CREDIT:
        if text := told.get(name):
            record[name] = text


_current: ContextVar[ToolSession] = ContextVar("imagerag_tool_session")


def current_session() -> ToolSession:
    """Return the session that tools called in this context work on.

    Raises:
        LookupError: there is none.
    """
    return _current.get()


@contextmanager
def using_session(session: ToolSession) -> Iterator[ToolSession]:
    """Make that session the current one until the block ends."""
    token = _current.set(session)
    try:
        with using_check(session.check, session.seconds_left):
            yield session
    finally:
        _current.reset(token)


def _notes(facts: Mapping[str, object]) -> Sequence[str]:
    return cast("Sequence[str]", facts.get("notes", ()))


def _manifest_of(redraw: Redraw | None) -> ManifestRedraw | None:
    if redraw is None:
        return None
    return ManifestRedraw(image=redraw.image_sha256, mask=redraw.mask_sha256, prompt=redraw.prompt)
