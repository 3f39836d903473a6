"""Generators of diffusers behind the one interface: seeds, cancelling, memory, refusals; nothing about one model."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.devices import is_out_of_memory
from imagerag.errors import DrawingRefused, InvalidArgument, first_line
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, Reuse, check_request
from imagerag.generators.diffusion.attention import NATIVE, native_attention
from imagerag.generators.diffusion.calling import call_arguments, steps_watched, takes_negatives
from imagerag.generators.diffusion.fast import denoiser_of
from imagerag.generators.diffusion.fast_drawing import OURS, FastDrawing, fast_drawing, told
from imagerag.generators.diffusion.fast_measurement import Record
from imagerag.generators.diffusion.inpainting import (
    inpainting_arguments,
    inpainting_class,
    inpainting_pipeline,
    with_references,
)
from imagerag.generators.diffusion.loading import Loaded, load, preset_of
from imagerag.generators.diffusion.memory import (
    RanOut,
    placed_or_less,
    release,
    with_less_memory,
    within_memory,
)
from imagerag.generators.diffusion.placing import Placing
from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.previews import Previews
from imagerag.generators.diffusion.words import plain
from imagerag.lora import AppliedLora
from imagerag.store.png import on_white

SEED_LIMIT = 2**63
PREVIEW_EVERY = 5
"""Steps from one preview to the next."""


class DiffusionGenerator:
    """One pipeline of diffusers, loaded once, drawing with references and without from the same weights.

    Candidates are drawn one after the other unless a batch is asked for: on a device a batch is computed by other
    kernels than a single image, so that pixels depend on what else is in it; ``facts["batch"]`` then has its seeds.
    The noise comes from the CPU, so that a seed means the same picture on every device, up to its rounding.

    Args:
        preset: which model, and how it is asked.
        settings: where and how its weights are held.
        name: by which ``--generator`` finds it; the preset's name if not given.
        loras: weights to add to its own; see ``imagerag.lora``.
        loaded: the preset's pipeline where it is there already; else it is loaded.
        fast: draw with what diffusers offers for that; the file that keeps what was measured of it.

    Raises:
        UserError: it can't be loaded here.
    """

    draws_batches = True

    def __init__(
        self,
        preset: Preset,
        settings: DeviceSettings | None = None,
        name: str | None = None,
        loras: tuple[str, ...] = (),
        loaded: Loaded | None = None,
        fast: Path | None = None,
    ) -> None:
        self.preset = self._asked_preset = preset
        self.name = name or preset.name
        self.max_references: int
        self._notes: tuple[str, ...]
        self._settings, self._asked_loras = settings or DeviceSettings(), loras
        self._record = None if fast is None else Record(fast)
        self._lock = threading.Lock()
        self._loaded: Loaded
        self._previews: Previews | None
        self._fast: FastDrawing | None = None
        self._hold(loaded or load(preset, self._settings, loras))

    @property
    def loras(self) -> tuple[AppliedLora, ...]:
        """What was added to the weights."""
        return self._loaded.loras

    @property
    def reuses(self) -> Reuse:
        """Edit models go on from the images that they are given; others only look at them."""
        return "references" if self.preset.family == "edit" else "nothing"

    @property
    def file_sha256(self) -> str:
        """The hash of the one file that the weights are from, if they are; 64 hex digits, or empty."""
        return self._loaded.file_sha256

    @property
    def revision(self) -> str:
        """A hash of all that the pixels depend on but the request."""
        told = {"name", "licence", "weights", "source", "unchecked", "recipe", "file", "pipeline", "taught_guidance"}
        told |= {
            name for name in ("sigmas", "scheduler", "true_cfg", "llama") if not getattr(self.preset, name)
        }  # younger than manifests
        asked = self.preset.model_dump_json(exclude=told)
        what = f"{asked} {self._loaded.dtype} {self._loaded.mode == '4bit'} {self._loaded.revision}"
        what += f" {self._loaded.file_sha256}" if self.preset.file else ""
        what += "".join(f" {lora.sha256} {lora.weight}" for lora in self.loras)
        what += "" if self._loaded.attention == NATIVE else f" {self._loaded.attention}"
        what += f" {self._fast.names}" if self._fast is not None and self._fast.names else ""
        return hashlib.sha256(what.encode()).hexdigest()[:12]

    @property
    def pipeline(self) -> Any:
        """The pipeline of diffusers."""
        return self._loaded.pipeline

    @property
    def takes_negatives(self) -> bool:
        """Whether the model heeds a negative prompt, as it is asked here."""
        return self.pipeline is not None and takes_negatives(self.pipeline, self.preset)

    @property
    def redraws_parts(self) -> bool:
        """Whether diffusers has an inpainting pipeline for the model."""
        loaded = self._loaded
        return loaded.pipeline is not None and inpainting_class(loaded.family.pipeline_for(())) is not None

    @property
    def memory(self) -> str:
        """The memory mode in use; after memory ran out, the one stepped down to."""
        return self._loaded.mode

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed; see ``Generator.draw``.

        Raises:
            InvalidArgument: no seeds, a seed outside 0..2**63 - 1, too many references, a scale outside 0..1, or more
                memory wanted than there is, however sparingly it is used.
        """
        self._validate(request)
        drawings: list[Drawing] = []
        with self._lock, torch.no_grad():
            if self._loaded.pipeline is None:  # stepping down from 4 bits failed, when an earlier image was drawn
                self._hold(load(self._asked_preset, self._settings, self._asked_loras))
            self.place()
            request = self._loaded.family.counted(request)
            groups, note = self._groups(request)
            for number, seeds in enumerate(groups):
                control.check()
                drawings += self._group(request, seeds, control.of_candidate(number, len(groups)))
            if note and drawings:
                drawings[0] = told(drawings[0], note)
        if not drawings:
            raise DrawingRefused(
                f"the safety checker of {self.name!r} refuses what was drawn for {request.prompt[:80]!r}; "
                "other words or another seed may pass"
            )
        refused = len(request.seeds) - len(drawings)
        if refused:
            said = f"the safety checker of {self.name!r} refused {refused} of {len(request.seeds)} candidates"
            drawings[0] = told(drawings[0], said)
        return drawings

    def _validate(self, request: DrawRequest) -> None:
        check_request(request, self)
        for seed in request.seeds:
            if not 0 <= seed < SEED_LIMIT:
                raise InvalidArgument(f"seed {seed!r}; valid: 0..{SEED_LIMIT - 1}")
        for scale in (request.reference_scale, *(one.scale for one in request.references if one.scale is not None)):
            if not 0 <= scale <= 1:
                raise InvalidArgument(f"reference_scale {scale!r}; valid: 0..1")

    def _groups(self, request: DrawRequest) -> tuple[list[tuple[int, ...]], str]:
        """Return the seeds that are drawn together, and what to tell where a batch that is asked for can't be."""
        if not request.batch or len(request.seeds) == 1:
            return [(seed,) for seed in request.seeds], ""
        if self._loaded.family.takes_batches(request):
            return [request.seeds], ""
        note = f"--batch is ignored: {self._loaded.family.class_name} draws these one after the other"
        return [(seed,) for seed in request.seeds], note

    def _group(self, request: DrawRequest, seeds: tuple[int, ...], control: DrawControl) -> list[Drawing]:
        """Draw candidates at once; one after the other, and then with less memory, where it ran out.

        Those that are refused are left out.
        """

        def drawn(notes: tuple[str, ...]) -> list[Drawing]:
            if self._fast is None:
                return self._attended(request, seeds, control, notes)
            return self._fast.drawn(lambda control: self._attended(request, seeds, control, notes), control, len(seeds))

        if len(seeds) > 1:
            together = within_memory(partial(drawn, ()), self._loaded.device)
            if not isinstance(together, RanOut):
                return together
            apart: list[Drawing] = []
            for number, seed in enumerate(seeds):
                control.check()
                apart += self._group(request, (seed,), control.of_candidate(number, len(seeds)))
            note = f"out of memory with --batch of {len(seeds)}; drew them one after the other, which is slower"
            return [told(apart[0], note), *apart[1:]] if apart else []
        return with_less_memory(
            drawn,
            self._loaded.device,
            lambda: self._loaded.mode,
            self._step_down,
            lambda: self._no_memory(request),
        )

    def _step_down(self, mode: Memory) -> None:
        """Hold the weights in another mode; quantised ones can't be moved layer by layer, and are loaded anew."""
        if self._fast is not None:
            self._fast.remove()
        if self._loaded.mode != "4bit":
            placed = placed_or_less(self.pipeline, self._loaded.device, mode, self.preset.model)
            assert not isinstance(placed, RanOut)  # which is for 4 bits
            self._loaded.mode, _ = placed
            self._hold(self._loaded)
            return
        self._settings = replace(self._settings, memory=mode)
        # Nothing may hold the old weights while the new ones come.
        self._loaded.pipeline = self._loaded.family = None
        self._previews = self._fast = None
        release(self._loaded.device)
        self._hold(load(self._asked_preset, self._settings, self._asked_loras))
        self.place()

    def _hold(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.preset = loaded.preset or self.preset
        # None where what references go in by is not on this machine.
        self.max_references = self.preset.max_references
        self._notes = loaded.notes
        self._placing = Placing(self._place)
        self._previews = Previews(loaded.pipeline)
        self._draw_fast()

    def _draw_fast(self) -> None:
        """Take what there is for drawing fast, if that is asked for; it depends on where the weights lie."""
        self._fast = None  # the revision is that without
        if self._record is not None:
            self._fast = fast_drawing(self._loaded, self.preset, self._record, self.revision)

    def _place(self) -> None:
        loaded = self._loaded
        if loaded.placed:
            return
        placed = placed_or_less(loaded.pipeline, loaded.device, loaded.mode, self.preset.model)
        assert not isinstance(placed, RanOut)  # which is for 4 bits, placed when they are loaded
        loaded.mode, notes = placed
        self._notes += notes
        self._draw_fast()
        loaded.placed = True

    @property
    def is_placed(self) -> bool:
        """Whether the weights lie where they are drawn from."""
        return self._loaded.placed

    def begin_placing(self) -> None:
        """Begin to put them there, beside what the caller does next."""
        if not self._loaded.placed:
            self._placing.begin()

    def place(self) -> None:
        """Return when they lie there.

        Raises:
            UserError: they fit there in no way.
        """
        if not self._loaded.placed:
            self._placing.finish()

    @property
    def fast(self) -> bool:
        """Whether it draws with what diffusers offers for drawing fast, where it offers anything."""
        return self._record is not None

    def _attended(
        self, request: DrawRequest, seeds: tuple[int, ...], control: DrawControl, notes: tuple[str, ...]
    ) -> list[Drawing]:
        """Draw; where an attention kernel that isn't torch's own fails, with torch's from then on."""
        try:
            return self._drawn(request, seeds, control, notes)
        except OURS:
            raise
        except Exception as error:
            attention = self._loaded.attention
            if attention == NATIVE or is_out_of_memory(error):
                raise
            note = f"attention by {attention!r} failed ({first_line(error)}); torch's own is used instead"
        native_attention(denoiser_of(self.pipeline))
        self._loaded.attention = NATIVE
        return self._drawn(request, seeds, control, (*notes, note))

    def _no_memory(self, request: DrawRequest) -> InvalidArgument:
        fewer = "with fewer references, or " if request.references else ""
        return InvalidArgument(
            f"{self.name!r} ran out of memory on {self._loaded.device}, also with --memory {self._loaded.mode}; "
            f"try again {fewer}another --generator or --memory mode"
        )

    def _drawn(
        self, request: DrawRequest, seeds: tuple[int, ...], control: DrawControl, notes: tuple[str, ...]
    ) -> list[Drawing]:
        family, preset = self._loaded.family, self.preset
        pipeline, given = family.pipeline_for(request.references), family.arguments(request)
        said = family.words(plain(request.prompt), request.references)
        notes = (*self._notes, *notes)
        total, (width, height) = preset.steps, family.canvas(request)
        if request.redraw is not None:
            pipeline = inpainting_pipeline(family.pipeline_for(()))
            given = with_references(pipeline, given)
            if request.references and not given:
                notes = (*notes, "references are not drawn with where a part of an image is redrawn")
            given |= inpainting_arguments(pipeline, request.redraw, (width, height))

        def after_step(_: Any, index: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            control.step(
                min(index + 1, total), total
            )  # solvers of higher order take more steps than they are asked for
            if control.wants_previews and (index + 1) % PREVIEW_EVERY == 0 and index + 1 < total:
                shown = None
                if self._previews is not None:
                    shown = self._previews.show(tensors.get("latents"), height, width)
                if shown is not None:
                    control.preview(shown)
            if index + 1 < total:
                control.check()
            return {}

        # Some pipelines (OmniGen, GLM-Image) also draw from the global generator when they encode references or words.
        devices = [self._loaded.device] if self._loaded.device.type == "cuda" else []
        arguments = {**call_arguments(pipeline, preset, width, height, request.negative), **given}
        try:
            with torch.random.fork_rng(devices=devices), steps_watched(pipeline, after_step) as watched:
                torch.manual_seed(seeds[0])
                noise = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
                if len(seeds) > 1:
                    arguments["num_images_per_prompt"] = len(seeds)
                output = pipeline(
                    prompt=said.text, generator=noise if len(seeds) > 1 else noise[0], **arguments, **watched
                )
        finally:
            pipeline.maybe_free_model_hooks()
        self._notes = ()
        if self._previews is not None and (failure := self._previews.failure()) is not None:
            notes = (*notes, failure)
        facts: dict[str, object] = {
            "model": Path(preset.file).name if preset.file else preset.model,
            **({"recipe": preset.recipe} if preset.recipe else {}),
            "words": said.text,
            "steps": total,
            "guidance": preset.guidance,
            "device": self._loaded.device.type,
            "dtype": str(self._loaded.dtype).removeprefix("torch."),
            "memory": self._loaded.mode,
            "attention": self._loaded.attention,
            "notes": [*said.notes, *notes],
        }
        if request.negative:
            facts["negative_prompt"] = arguments.get("negative_prompt", "")
        if preset.file:
            facts["file_sha256"] = self._loaded.file_sha256
        if len(seeds) > 1:
            facts["batch"] = list(seeds)
        withheld = getattr(output, "nsfw_content_detected", None) or [False] * len(seeds)
        drawings: list[Drawing] = []
        for seed, drawn, refused in zip(seeds, output.images, withheld, strict=True):
            if refused:
                continue
            image = on_white(drawn)
            if "width" not in arguments and image.size != (width, height):
                image = image.resize((width, height), Image.Resampling.LANCZOS)
            drawings.append(Drawing(image, seed, facts))
        return drawings


def load_diffusion(
    name: str,
    settings: DeviceSettings,
    known_as: str | None = None,
    loras: tuple[str, ...] = (),
    fast: Path | None = None,
) -> DiffusionGenerator:
    """Return the generator of a preset, a model id or a folder.

    Args:
        name: which.
        settings: where and how its weights are held.
        known_as: by which ``--generator`` finds it; the preset's name if not given.
        loras: weights to add to its own.
        fast: see ``DiffusionGenerator``.

    Raises:
        UserError: there is none of that name, or it can't be loaded here.
    """
    return DiffusionGenerator(preset_of(name), settings, known_as, loras, fast=fast)
