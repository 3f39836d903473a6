"""Generators of diffusers behind the one interface: seeds, cancelling, memory, refusals; nothing about one model."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.errors import DrawingRefused, InvalidArgument
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, check_request
from imagerag.generators.diffusion.calling import call_arguments, steps_watched, takes_negatives
from imagerag.generators.diffusion.loading import Loaded, load, preset_of
from imagerag.generators.diffusion.memory import placed_or_less, release, with_less_memory
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
    ) -> None:
        self.preset = preset
        self.name = name or preset.name
        self.max_references = preset.max_references
        self._settings, self._asked_loras = settings or DeviceSettings(), loras
        self._lock = threading.Lock()
        self._loaded: Loaded
        self._previews: Previews | None
        self._hold(loaded or load(preset, self._settings, loras))

    @property
    def loras(self) -> tuple[AppliedLora, ...]:
        """What was added to the weights."""
        return self._loaded.loras

    @property
    def file_sha256(self) -> str:
        """The hash of the one file that the weights are from, if they are; 64 hex digits, or empty."""
        return self._loaded.file_sha256

    @property
    def revision(self) -> str:
        """A hash of all that the pixels depend on but the request."""
        told = {"name", "licence", "weights", "source", "unchecked", "recipe", "file"}
        asked = self.preset.model_dump_json(exclude=told)
        what = f"{asked} {self._loaded.dtype} {self._loaded.mode == '4bit'} {self._loaded.revision}"
        what += f" {self._loaded.file_sha256}" if self.preset.file else ""
        what += "".join(f" {lora.sha256} {lora.weight}" for lora in self.loras)
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
            groups, note = self._groups(request)
            for number, seeds in enumerate(groups):
                control.check()
                drawings += self._group(request, seeds, control.of_candidate(number, len(groups)))
            if note and drawings:
                drawings[0] = replace(drawings[0], facts=_with_notes(drawings[0].facts, note))
        if not drawings:
            raise DrawingRefused(
                f"the safety checker of {self.name!r} refuses what was drawn for {request.prompt[:80]!r}; "
                "other words or another seed may pass"
            )
        refused = len(request.seeds) - len(drawings)
        if refused:
            said = f"the safety checker of {self.name!r} refused {refused} of {len(request.seeds)} candidates"
            drawings[0] = replace(drawings[0], facts=_with_notes(drawings[0].facts, said))
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
        """Draw candidates at once; with less memory, once, where it ran out; without those that are refused."""

        def drawn(notes: tuple[str, ...]) -> list[Drawing]:
            return self._drawn(request, seeds, control, notes)

        return with_less_memory(
            drawn,
            self._loaded.device,
            lambda: self._loaded.mode,
            self._step_down,
            lambda: self._no_memory(request),
        )

    def _step_down(self, mode: Memory) -> None:
        """Hold the weights in another mode; quantised ones can't be moved layer by layer, and are loaded anew."""
        if self._loaded.mode != "4bit":
            self._loaded.mode = placed_or_less(self.pipeline, self._loaded.device, mode, self.preset.model)
            return
        self._settings = replace(self._settings, memory=mode)
        # Nothing may hold the old weights while the new ones come.
        self._loaded.pipeline = self._loaded.family = None
        self._previews = None
        release(self._loaded.device)
        self._hold(load(self.preset, self._settings, self._asked_loras))

    def _hold(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._previews = Previews(loaded.pipeline)

    def _no_memory(self, request: DrawRequest) -> InvalidArgument:
        fewer = "with fewer references, or " if request.references else ""
        return InvalidArgument(
            f"{self.name!r} ran out of memory on {self._loaded.device}, also with --memory {self._loaded.mode}; "
            f"try again {fewer}another --generator or --memory mode"
        )

    def _drawn(
        self, request: DrawRequest, seeds: tuple[int, ...], control: DrawControl, notes: tuple[str, ...]
    ) -> list[Drawing]:
        if self._loaded.pipeline is None:  # stepping down from 4 bits failed, when an earlier image was drawn
            self._hold(load(self.preset, self._settings, self._asked_loras))
        family, preset = self._loaded.family, self.preset
        pipeline = family.pipeline_for(request.references)
        said = family.words(plain(request.prompt), request.references)
        total, (width, height) = preset.steps, family.canvas(request)

        def after_step(_: Any, index: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            control.step(
                min(index + 1, total), total
            )  # solvers of higher order take more steps than they are asked for
            if control.wants_previews and (index + 1) % PREVIEW_EVERY == 0 and index + 1 < total:
                shown = None
                if self._previews is not None:
                    shown = self._previews.show(tensors["latents"], height, width)
                if shown is not None:
                    control.preview(shown)
            if index + 1 < total:
                control.check()
            return {}

        # Some pipelines (OmniGen, GLM-Image) also draw from the global generator when they encode references or words.
        devices = [self._loaded.device] if self._loaded.device.type == "cuda" else []
        arguments = {**call_arguments(pipeline, preset, width, height, request.negative), **family.arguments(request)}
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
        facts: dict[str, object] = {
            "model": Path(preset.file).name if preset.file else preset.model,
            **({"recipe": preset.recipe} if preset.recipe else {}),
            "words": said.text,
            "steps": total,
            "guidance": preset.guidance,
            "device": self._loaded.device.type,
            "dtype": str(self._loaded.dtype).removeprefix("torch."),
            "memory": self._loaded.mode,
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


def _with_notes(facts: Mapping[str, object], note: str) -> dict[str, object]:
    notes = facts.get("notes")
    return {**facts, "notes": [*(notes if isinstance(notes, list) else []), note]}


def load_diffusion(
    name: str, settings: DeviceSettings, known_as: str | None = None, loras: tuple[str, ...] = ()
) -> DiffusionGenerator:
    """Return the generator of a preset, a model id or a folder.

    Args:
        name: which.
        settings: where and how its weights are held.
        known_as: by which ``--generator`` finds it; the preset's name if not given.
        loras: weights to add to its own.

    Raises:
        UserError: there is none of that name, or it can't be loaded here.
    """
    return DiffusionGenerator(preset_of(name), settings, known_as, loras)
