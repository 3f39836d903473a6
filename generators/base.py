"""The one interface behind which every image generator stands, embedded, local or remote."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, runtime_checkable

from PIL import Image

from imagerag.device_settings import DeviceSettings
from imagerag.errors import InvalidArgument
from imagerag.lora import AppliedLora
from imagerag.picture_size import PictureSize
from imagerag.records import ReferenceKind
from imagerag.store.digital_source import COMPOSITE, TRAINED, SourceType

StepCallback = Callable[[int, int], None]
"""Called with (step done, steps in all) after each denoising step; 1-based."""

PreviewCallback = Callable[[Image.Image], None]
"""Called now and then with a small, rough RGB image of what the drawing will be."""
ChargeCallback = Callable[[Mapping[str, float]], None]
"""Called with what was paid for and gave no image."""

StopCheck = Callable[[], None]
"""Called before each denoising step; raises ``Cancelled`` or ``BudgetExceeded`` to stop there."""


REFERENCE_SCALES = (0.5, 0.7, 0.9)
"""Reference scales of the first, second and every later redraw, where a generator advises none. The paper draws once,
with 0.5 for IP-Adapter."""


@dataclass(frozen=True)
class Reference:
    """An image to draw with.

    Attributes:
        image: RGB or RGBA, any size.
        concept: the phrase of the prompt that it stands for; empty when it is for the whole picture.
        kind: ``retrieved`` from the index, ``fetched`` by a mounted tool, or the user's own ``subject``.
        sha256: of the stored image, for the manifest.
        scale: 0..1, how strongly this one counts, where that is not the request's scale; generators without a scale
            per reference ignore it.
    """

    image: Image.Image
    concept: str
    kind: ReferenceKind = "retrieved"
    sha256: str = ""
    scale: float | None = None


@dataclass(frozen=True)
class Redraw:
    """An image of which a part is drawn anew.

    Attributes:
        image: RGB.
        mask: mode ``L``, of the same size: 255 where is drawn anew, 0 where the image stays.
        prompt: what the image shows; empty where nobody knows.
        image_sha256, mask_sha256: of the stored files, for the manifest.
    """

    image: Image.Image
    mask: Image.Image
    prompt: str = ""
    image_sha256: str = ""
    mask_sha256: str = ""


@dataclass(frozen=True)
class DrawRequest:
    """What to draw.

    Attributes:
        prompt: what the picture should show.
        seeds: one candidate is drawn per seed; not empty.
        references: images that condition the drawing; at most the generator's ``max_references``.
        reference_scale: 0..1, how strongly references count (the meaning of IP-Adapter's scale):
            0 ignores them, 1 draws from them alone where they apply.
        size: what is asked for; ``None`` leaves it to the generator. A generator draws at what is nearest to it of the
            sizes it is good at, or at its usual size: whoever asked for the drawing scales and crops it.
        negative: what the picture must not show; only generators that say so (``TakesNegatives``) are given any.
        batch: draw all candidates at once, which is faster on a GPU, and may change their pixels; those that can't
            draw them one after the other (``DrawsBatches``).
        redraw: the image of which a part alone is drawn anew, so that the whole shows the prompt; only generators that
            say so (``RedrawsParts``) are given any. Whoever asked keeps what lies outside the mask.
    """

    prompt: str
    seeds: tuple[int, ...]
    references: tuple[Reference, ...] = ()
    reference_scale: float = 0.5
    size: PictureSize | None = None
    batch: bool = False
    negative: str = ""
    redraw: Redraw | None = None


@dataclass(frozen=True)
class Drawing:
    """One drawn candidate.

    Attributes:
        image: RGB, the generator's native size.
        seed: the seed that makes these pixels again.
        facts: what the generator knows about the drawing (layout, examples and their weights ...),
            JSON-serialisable; it goes to the manifest and is never shown to the critic. ``facts["notes"]``, a list of
            sentences, is told to the person, too.
    """

    image: Image.Image
    seed: int
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class DrawControl:
    """What a drawing reports to while it goes on, and what can stop it; all of it is optional.

    Attributes:
        stop_check: called before each denoising step; raises to stop there.
        on_step: called after each.
        on_preview: called now and then.
        on_charge: called with what a try cost that gave no image, in the form of ``facts["usage"]`` (see ``Charges``).
    """

    stop_check: StopCheck | None = None
    on_step: StepCallback | None = None
    on_preview: PreviewCallback | None = None
    on_charge: ChargeCallback | None = None

    def check(self) -> None:
        """Call this before each denoising step.

        Raises:
            Cancelled, BudgetExceeded: the drawing has to stop there.
        """
        if self.stop_check is not None:
            self.stop_check()

    def step(self, done: int, total: int) -> None:
        """Report that step ``done``, 1-based, of ``total`` is done."""
        if self.on_step is not None:
            self.on_step(done, total)

    @property
    def wants_previews(self) -> bool:
        """Whether ``preview`` does anything: making one costs time."""
        return self.on_preview is not None

    def preview(self, image: Image.Image) -> None:
        """Report a small, rough RGB image of what the drawing will be."""
        if self.on_preview is not None:
            self.on_preview(image)

    def charge(self, usage: Mapping[str, float]) -> None:
        """Report what was paid for and gave no image."""
        if self.on_charge is not None:
            self.on_charge(usage)

    def of_candidate(self, number: int, count: int) -> "DrawControl":
        """Return the control of one candidate, from 0, of ``count`` that are drawn one after the other.

        Its steps are reported as steps of all.
        """
        return replace(self, on_step=lambda done, total: self.step(number * total + done, count * total))


UNCONTROLLED = DrawControl()
"""For callers who neither watch nor stop."""


class Generator(Protocol):
    """Draws images; stateless between calls, so that one instance serves many threads."""

    @property
    def name(self) -> str:
        """The name by which ``--generator`` finds it, e.g. ``patchwork``."""

    @property
    def revision(self) -> str:
        """Changes whenever the same request would give other pixels; part of every manifest."""

    @property
    def max_references(self) -> int:
        """How many references one drawing takes; 0 when it takes none."""

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed, but none for a seed whose image the model's own safety check refuses.

        The same request gives the same pixels, whatever else is in the batch.

        Raises:
            InvalidArgument: more references than ``max_references``, or a scale outside 0..1.
            DrawingRefused: the safety check refuses all of them.
            Cancelled, BudgetExceeded: as ``control.check`` raised them, between two denoising steps.
        """


def check_request(request: DrawRequest, generator: Generator) -> None:
    """Refuse what no generator draws.

    Raises:
        InvalidArgument: no seeds, or more references than the generator takes.
    """
    if not request.seeds:
        raise InvalidArgument("seeds (); valid: at least one")
    if len(request.references) > generator.max_references:
        raise InvalidArgument(
            f"{len(request.references)} references; {generator.name!r} takes at most {generator.max_references}"
        )


ImageKind = Literal["pictograms", "photographs", "any"]
"""What a generator's images look like: critics and libraries of references are made for one kind. ``any`` draws in
every style that it is asked for."""


@dataclass(frozen=True)
class GeneratorPlugin:
    """What a package puts behind an entry point of the group ``imagerag.generators``.

    Attributes:
        load: makes the generator, of what follows the colon in ``--generator NAME:WHAT`` (empty if nothing does) and
            of where and how models that run here are held.
        makes: the kind of its images.
        profile: the profile whose critic and libraries fit them.
    """

    load: Callable[[str, DeviceSettings], Generator]
    makes: ImageKind
    profile: str


@runtime_checkable
class Charges(Protocol):
    """A generator whose drawings are paid for, by tokens or each.

    ``facts["usage"]`` of each drawing has what it cost as far as its server tells: ``input`` and ``output`` in tokens,
    or ``dollars``.
    """

    output_tokens: int
    """What a drawing is billed at, at most, so that none is begun that the run can't pay for; 0 where images are paid
    for each."""

    @property
    def charges(self) -> bool:
        """Whether they are."""


@runtime_checkable
class DrawsBatches(Protocol):
    """A generator that heeds ``DrawRequest.batch``."""

    draws_batches: bool


@runtime_checkable
class TakesNegatives(Protocol):
    """A generator that may have a negative prompt."""

    @property
    def takes_negatives(self) -> bool:
        """Whether its model heeds ``DrawRequest.negative``."""


@runtime_checkable
class RedrawsParts(Protocol):
    """A generator that may be able to draw a part of an image anew."""

    @property
    def redraws_parts(self) -> bool:
        """Whether its model heeds ``DrawRequest.redraw``."""


def redraws_parts(generator: Generator) -> bool:
    """Tell whether a generator can draw a part of an image anew."""
    return isinstance(generator, RedrawsParts) and generator.redraws_parts


@runtime_checkable
class PlacesWeights(Protocol):
    """A generator whose weights are loaded before they lie where they are drawn from.

    ``draw`` waits for that by itself; what goes on meanwhile may not choose its own place by the memory that is free.
    """

    @property
    def is_placed(self) -> bool:
        """Whether they lie there."""

    def begin_placing(self) -> None:
        """Begin to put them there, beside what the caller does next."""

    def place(self) -> None:
        """Return when they lie there.

        Raises:
            UserError: they fit there in no way.
        """


@runtime_checkable
class DrawsFast(Protocol):
    """A generator that can trade exactness for speed."""

    @property
    def fast(self) -> bool:
        """Whether it does."""


@runtime_checkable
class DrawsWithLoras(Protocol):
    """A generator to whose weights others were added."""

    loras: tuple[AppliedLora, ...]
    """In the order in which they were asked for."""


@runtime_checkable
class AdvisesScales(Protocol):
    """A generator that knows which reference scales suit it."""

    @property
    def reference_scales(self) -> tuple[float, ...]:
        """Scales 0..1 of the first, second ... and every later redraw; not empty."""


Reuse = Literal["nothing", "references", "own pictures"]
"""Of which existing pictures a generator's drawings show parts, pasted or edited: of none, of its references, or of
pictures of its own even where it is given no reference."""


@runtime_checkable
class ReusesPictures(Protocol):
    """A generator that tells whether parts of existing pictures are in its drawings; others are taken to have none."""

    @property
    def reuses(self) -> Reuse:
        """Which."""


def source_type(generator: Generator, references: Sequence[object]) -> SourceType:
    """Return IPTC's term for what a generator draws with these references.

    What is conditioned on references, and shows none of their pixels, is made by the model alone. Where pixels of
    existing pictures reach the drawing, by pasting or by editing, it is a composite with what the model makes.
    """
    reuses = generator.reuses if isinstance(generator, ReusesPictures) else "nothing"
    return COMPOSITE if reuses == "own pictures" or (reuses == "references" and references) else TRAINED


def reference_scales(generator: Generator) -> tuple[float, ...]:
    """Return the scales with which to redraw, one attempt after the other; the last serves for all further ones."""
    return generator.reference_scales if isinstance(generator, AdvisesScales) else REFERENCE_SCALES
