"""Drawing with what ``--fast`` takes: measured the first time against drawing without, and given up where it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

import torch

from imagerag.devices import is_out_of_memory
from imagerag.errors import BudgetExceeded, Cancelled, InvalidArgument, UserError, first_line
from imagerag.generators.base import DrawControl, Drawing
from imagerag.generators.diffusion.fast import Acceleration, taken_for
from imagerag.generators.diffusion.fast_measurement import Measurement, Record, StepTimes, device_name, key_of, measured
from imagerag.generators.diffusion.fast_offers import lacking_cache
from imagerag.generators.diffusion.loading import Loaded
from imagerag.generators.diffusion.presets import Preset

Draw = Callable[[DrawControl], list[Drawing]]

OURS = (BudgetExceeded, Cancelled, InvalidArgument, UserError)
"""Errors that no other way of computing would spare."""


class FastDrawing:
    """Draws with it, and tells what it gains and changes.

    Args:
        acceleration: what is taken.
        record: of what was measured on this machine.
        key: of that measurement.
        what: the model, its mode and device in words, for the person.
        steps: denoising steps.
        device: where it computes.
        lacking: what there isn't for it, and why, in words; empty if nothing is lacking.
    """

    def __init__(
        self,
        acceleration: Acceleration,
        record: Record,
        key: str,
        what: str,
        steps: int,
        device: torch.device,
        lacking: str = "",
    ) -> None:
        self._acceleration, self._record, self._key = acceleration, record, key
        self._steps, self._device = steps, device
        self._lacking = f"; {lacking}" if lacking else ""
        self._tried = False
        self._why_not = "" if acceleration.taken.names else f"there is nothing for {what}{self._lacking}"

    @property
    def names(self) -> list[str]:
        """What is taken, in words; empty if that is nothing."""
        return [] if self._why_not else self._acceleration.taken.names

    def drawn(self, draw: Draw, control: DrawControl, pictures: int = 1) -> list[Drawing]:
        """Return what ``draw`` returns when it draws fast, with the facts and a note on that.

        The first time on this machine the same is drawn without it first, to measure.

        Args:
            draw: draws; with it or without is all one to it.
            control: of the drawing.
            pictures: that ``draw`` draws at once.
        """
        drawings: list[Drawing] = []
        if not self._why_not:
            try:
                return self._fast(draw, control, pictures)
            except OURS:
                raise
            except Exception as error:
                if is_out_of_memory(error):
                    raise
                self._why_not = f"{', '.join(self.names)} failed ({first_line(error)})"
            self._acceleration.remove()
        drawings = draw(control)
        return [told(drawing, f"--fast is ignored: {self._why_not}") for drawing in drawings]

    def remove(self) -> None:
        """Leave the pipeline as it was."""
        self._acceleration.remove()

    def _fast(self, draw: Draw, control: DrawControl, drawn: int) -> list[Drawing]:
        measurement, notes = self._record.get(self._key), list[str]()
        if measurement is None and not self._tried:
            drawings, measurement, notes = self._measured(draw, control, drawn)
            if not self._tried:  # it ran out of time, and these are drawn without
                return [told(drawing, *notes) for drawing in drawings]
        else:
            self._acceleration.switch_on()
            drawings = draw(control)
        gain = measurement.in_words() if measurement is not None else "what it gains could not be measured"
        note = f"--fast took {', '.join(self.names)}: {gain}{self._lacking}"
        fact = {"takes": self.names, **(asdict(measurement) if measurement is not None else {})}
        return [told(replace(one, facts={**one.facts, "fast": fact}), note, *notes) for one in drawings]

    def _measured(
        self, draw: Draw, control: DrawControl, drawn: int
    ) -> tuple[list[Drawing], Measurement | None, list[str]]:
        """Draw without and with it; return the drawings with it, what was measured, and what else to tell.

        A compiler works while the first drawing goes on, so that the second is measured.
        """
        count = 3 if self._acceleration.taken.compiled else 2
        times = StepTimes(self._device)
        plain = draw(times.watching(control.of_candidate(0, count)))
        without = times.seconds
        fast: list[Drawing] = []
        try:
            self._acceleration.switch_on()
            for number in range(1, count):
                fast = draw(times.watching(control.of_candidate(number, count)))
        except BudgetExceeded:
            self._acceleration.remove()
            return plain, None, ["--fast is ignored: the time ran out while it was measured for the first time"]
        self._tried = True
        pictures = [drawing.image for drawing in plain], [drawing.image for drawing in fast]
        found = measured(*pictures, (without, times.seconds), self._steps, device_name(self._device), drawn)
        try:
            if found is not None:
                self._record.put(self._key, found)
        except UserError as error:
            return fast, found, [f"what --fast gains is measured anew the next time: {error}"]
        return fast, found, []


def fast_drawing(loaded: Loaded, preset: Preset, record: Record, revision: str) -> FastDrawing:
    """Return what draws with all that diffusers offers for a loaded pipeline.

    Args:
        loaded: the pipeline.
        preset: how it is asked.
        record: of what was measured on this machine.
        revision: of the generator without it.
    """
    pipelines = loaded.pipeline, loaded.family.pipeline_for(())
    quantised = loaded.mode == "4bit" or preset.file.lower().endswith(".gguf")
    taken = taken_for(pipelines, preset.steps, loaded.device, loaded.dtype, loaded.mode, quantised)
    class_names = tuple(type(pipeline).__name__ for pipeline in pipelines)
    name = device_name(loaded.device)
    what = f"{loaded.family.class_name} in {preset.steps} steps with --memory {loaded.mode} on {name}"
    key = key_of(revision, taken.names, loaded.mode, name)
    acceleration = Acceleration(loaded.pipeline, taken, loaded.attention)
    lacking = "" if loaded.mode == "sequential" else lacking_cache(class_names, preset.steps)
    return FastDrawing(acceleration, record, key, what, preset.steps, loaded.device, lacking)


def told(drawing: Drawing, *notes: str) -> Drawing:
    """Return a drawing with more notes among its facts."""
    known = drawing.facts.get("notes")
    return replace(drawing, facts={**drawing.facts, "notes": [*(known if isinstance(known, list) else []), *notes]})
