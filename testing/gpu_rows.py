"""What one preset takes in one memory mode on this device: memory, steps a second, references, stopping, pictures."""

from __future__ import annotations

import contextlib
import functools
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from imagerag.devices import is_out_of_memory
from imagerag.errors import Cancelled
from imagerag.generators.base import DrawControl, DrawRequest, Reference
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.fast import denoiser_of
from imagerag.generators.diffusion.fast_measurement import difference
from testing.gpu_swaps import swaps_timed

PROMPT = "a scarlet ibis beside a lighthouse, seen from the harbour wall on a clear morning"
COLOURS = ("red", "blue", "green", "yellow", "pink", "black", "white", "orange", "purple", "brown")
OWN_TIME_PAIRS = 3


@dataclass(frozen=True)
class Row:
    """One preset in one memory mode; what could not be measured is ``None``.

    Attributes:
        preset, mode: which.
        state: ``ok``, or what went wrong in one line.
        computed_gb: memory that imagerag expects on the device, in 10^9 bytes.
        peak_gb: the most that torch had allocated there while one image was drawn, in 10^9 bytes.
        placing_s: seconds to bring the weights where the mode wants them.
        draw_s: seconds of one drawing without references, text and decoding included.
        steps_per_s: denoising steps a second, median, without references.
        references: how many were drawn with: as many as the preset takes.
        references_peak_gb, references_steps_per_s: as above, with them.
        effect: mean absolute difference, 0..255, between a drawing with references at scale 0 and one at 0.7.
        stop_s: seconds from the moment a run is stopped to the return of the generator.
        own_percent: time of our call beyond the bare pipeline's call with the same arguments, in percent of it; median
            of pairs.
        picture: ``ok``, ``black``, ``one colour`` or ``not finite``: of the drawing without references; where that is
            ok, of that with them.
        attention: what attention is computed by.
        swaps, swaps_s: models that are moved to the device for one drawing of words that are not encoded yet, and the
            seconds that takes; ``None`` where none is moved as a whole.
        fast: what ``--fast`` takes, or why it is ignored.
        fast_gain, fast_difference: what it was measured to gain and to change; see ``Measurement``.
    """

    preset: str
    mode: str
    state: str = "ok"
    computed_gb: float | None = None
    peak_gb: float | None = None
    placing_s: float | None = None
    draw_s: float | None = None
    steps_per_s: float | None = None
    references: int = 0
    references_peak_gb: float | None = None
    references_steps_per_s: float | None = None
    effect: float | None = None
    stop_s: float | None = None
    own_percent: float | None = None
    picture: str = ""
    attention: str = ""
    swaps: int | None = None
    swaps_s: float | None = None
    fast: str = ""
    fast_gain: float | None = None
    fast_difference: float | None = None

    @property
    def off_percent(self) -> float | None:
        """How far the measured peak is from the computed one, in percent of the measured."""
        if self.computed_gb is None or self.peak_gb is None:
            return None
        return 100 * (self.computed_gb - self.peak_gb) / self.peak_gb


def surviving(row: Row, measure: Callable[[Row], Iterator[Row]]) -> Row:
    """Return what is measured, with what went wrong after it, if anything; memory is given back either way.

    Args:
        row: which preset and mode.
        measure: yields the row again each time that more of it is known; may run out of memory.
    """
    free_everything()
    try:
        for known in measure(row):
            row = known  # also where the next part fails
        return row
    except Exception as error:
        said = "out of memory" if is_out_of_memory(error) else f"{type(error).__name__}: {error}"
    finally:
        free_everything()
    return replace(row, state=" ".join(said.split())[:160])


def free_everything() -> None:
    """Give back what nothing uses any more, and begin to count the peak anew."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def measured(row: Row, generator: DiffusionGenerator, keep: Path) -> Iterator[Row]:
    """Yield the row with more and more of what one loaded generator shows.

    Args:
        row: with ``computed_gb`` and ``placing_s``.
        generator: with its weights placed.
        keep: a folder for the images.

    Raises:
        torch.OutOfMemoryError: the generator had to step down to another mode, whose figures are not this row's.
    """
    watch = _Watch(generator)
    try:
        yield from _measured(row, generator, keep, watch)
    finally:
        watch.close()


def _measured(row: Row, generator: DiffusionGenerator, keep: Path, watch: _Watch) -> Iterator[Row]:
    most = generator.max_references
    row = replace(row, attention=generator._loaded.attention)
    generator.draw(DrawRequest(PROMPT, (1,)))  # the first call chooses kernels
    free_everything()
    plain = watch.drawn(DrawRequest(PROMPT, (7,)))
    row = replace(
        row, peak_gb=peak_gb(), draw_s=plain.seconds, steps_per_s=plain.steps_per_s, picture=plain.picture
    )  # fmt: skip
    _same_mode(row, generator)
    keep.mkdir(parents=True, exist_ok=True)
    plain.image.save(keep / f"{row.preset}-{row.mode}-plain.png")
    yield row
    with swaps_timed(generator.pipeline) as swaps:
        generator.draw(DrawRequest(f"{PROMPT}, in spring", (7,)))
    row = replace(row, swaps=swaps.count, swaps_s=None if swaps.count is None else swaps.seconds)
    yield row
    if most:
        references = tuple(Reference(_shape(k), f"thing {k + 1}") for k in range(most))
        generator.draw(DrawRequest(PROMPT, (1,), references, 0.7))
        free_everything()
        strong = watch.drawn(DrawRequest(PROMPT, (7,), references, 0.7))
        peak = peak_gb()
        weak = watch.drawn(DrawRequest(PROMPT, (7,), references, 0.0))
        _same_mode(row, generator)
        for name, image in (("references", strong.image), ("scale-0", weak.image)):
            image.save(keep / f"{row.preset}-{row.mode}-{name}.png")
        row = replace(
            row, references=most, references_peak_gb=peak, references_steps_per_s=strong.steps_per_s,
            effect=difference(strong.image, weak.image),
            picture=row.picture if row.picture != "ok" else strong.picture,
        )  # fmt: skip
        yield row
    row = replace(row, stop_s=watch.stopped())
    yield row
    row = replace(row, own_percent=_own_percent(generator))
    yield row
    yield _drawn_fast(row, generator, keep)


def _drawn_fast(row: Row, generator: DiffusionGenerator, keep: Path) -> Row:
    """Return the row with what ``--fast`` takes, gains and changes, measured as a person's first run measures it."""
    with tempfile.TemporaryDirectory() as folder:
        fast = DiffusionGenerator(generator.preset, loaded=generator._loaded, fast=Path(folder) / "fast.json")
        try:
            drawing = fast.draw(DrawRequest(PROMPT, (7,)))[0]
        finally:
            if fast._fast is not None:
                fast._fast.remove()
    fact: Any = drawing.facts.get("fast")
    if fact is None:
        notes: Any = drawing.facts["notes"]
        return replace(row, fast=next(note for note in notes if "--fast" in note))
    drawing.image.save(keep / f"{row.preset}-{row.mode}-fast.png")
    return replace(
        row, fast=", ".join(fact["takes"]), fast_gain=fact.get("gain"), fast_difference=fact.get("difference")
    )


def _same_mode(row: Row, generator: DiffusionGenerator) -> None:
    if generator.memory != row.mode:
        raise torch.OutOfMemoryError(f"out of memory: stepped down to {generator.memory}")


def peak_gb() -> float | None:
    """Return the most that torch had allocated on the GPU since it was last reset, in 10^9 bytes."""
    return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else None


def told_of(image: Image.Image, finite: bool) -> str:
    """Return ``ok``, or what makes a picture no picture.

    Args:
        image: RGB.
        finite: whether all that the denoiser made was finite.
    """
    if not finite:
        return "not finite"
    lowest, highest = np.asarray(image).min(), np.asarray(image).max()
    if highest == 0:
        return "black"
    return "one colour" if lowest == highest else "ok"


@dataclass(frozen=True)
class _Drawn:
    image: Image.Image
    seconds: float
    steps_per_s: float | None
    picture: str


class _Watch:
    """Draws and looks on: at the steps' times, and whether what the denoiser makes is finite."""

    def __init__(self, generator: DiffusionGenerator) -> None:
        self._generator = generator
        self._times: list[float] = []
        self._last: torch.Tensor | None = None
        self._hook = denoiser_of(generator.pipeline).register_forward_hook(self._seen)

    def close(self) -> None:
        """Look on no more."""
        self._hook.remove()

    def _seen(self, module: Any, inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else getattr(output, "sample", output)
        self._last = first[0] if isinstance(first, list) else first

    def _step(self, done: int, total: int) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self._times.append(time.perf_counter())

    def drawn(self, request: DrawRequest) -> _Drawn:
        self._times.clear()
        began = time.perf_counter()
        image = self._generator.draw(request, DrawControl(on_step=self._step))[0].image
        seconds = time.perf_counter() - began
        gaps = [after - before for before, after in zip(self._times, self._times[1:], strict=False)]
        finite = self._last is None or bool(torch.isfinite(self._last).all())
        self._last = None
        return _Drawn(image, seconds, 1 / statistics.median(gaps) if gaps else None, told_of(image, finite))

    def stopped(self) -> float:
        """Return the seconds from stopping a drawing, within its first step, to the generator's return."""
        asked: list[float] = []

        def check() -> None:
            if asked:
                raise Cancelled("stopped")

        def step(done: int, total: int) -> None:
            asked.append(time.perf_counter())

        with contextlib.suppress(Cancelled):
            self._generator.draw(DrawRequest(PROMPT, (3,)), DrawControl(check, step))
        return time.perf_counter() - asked[0]


def handed_over(generator: DiffusionGenerator, request: DrawRequest, control: DrawControl) -> dict[str, Any]:
    """Return the arguments that our call hands to the pipeline without references, but what watches its steps."""
    kind, given = type(generator._loaded.family.pipeline_for(())), {}
    original = kind.__call__

    @functools.wraps(original)  # what it takes is read off its signature
    def recorded(self: Any, *args: Any, **arguments: Any) -> Any:
        given.update(arguments)
        return original(self, *args, **arguments)

    kind.__call__ = recorded
    try:
        generator.draw(request, control)
    finally:
        kind.__call__ = original
    given.pop("callback_on_step_end", None)
    return given


def _own_percent(generator: DiffusionGenerator) -> float:
    """Return how much longer our call takes than the pipeline's own with the same arguments, in percent.

    Previews are off in both.
    """
    pipeline = generator._loaded.family.pipeline_for(())
    request, control = DrawRequest(PROMPT, (7,)), DrawControl(on_step=lambda done, total: None)
    given = handed_over(generator, request, control)

    def bare() -> None:
        again = {**given, "generator": torch.Generator("cpu").manual_seed(7)}
        with torch.no_grad():
            pipeline(**again)

    ratios = []
    for number in range(OWN_TIME_PAIRS):
        calls = [lambda: generator.draw(request, control), bare]
        order = (0, 1) if number % 2 else (1, 0)
        seconds = {which: _seconds(calls[which]) for which in order}
        ratios.append(seconds[0] / seconds[1])
    return 100 * (statistics.median(ratios) - 1)


def _seconds(call: Callable[[], Any]) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    began = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _shape(number: int) -> Image.Image:
    """Return a reference: a disc of one colour on another."""
    image = Image.new("RGB", (512, 512), COLOURS[number % len(COLOURS)])
    rows, columns = np.ogrid[:512, :512]
    disc = Image.fromarray((((rows - 256) ** 2 + (columns - 256) ** 2 < 180**2) * 255).astype(np.uint8))
    image.paste(COLOURS[(number + 3) % len(COLOURS)], mask=disc)
    return image


def as_json(row: Row) -> dict[str, Any]:
    """Return a row's fields, and how far computed and measured memory are apart."""
    return {**asdict(row), "off_percent": row.off_percent}
