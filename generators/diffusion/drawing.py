"""Generators of diffusers behind the one interface: seeds, cancelling, memory, refusals; nothing about one model."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from imagerag.device_settings import DeviceSettings
from imagerag.errors import DrawingRefused, InvalidArgument
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, check_request
from imagerag.generators.diffusion.loading import Loaded, load, preset_of
from imagerag.generators.diffusion.memory import with_less_memory
from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.previews import Previews
from imagerag.generators.diffusion.words import plain

SEED_LIMIT = 2**63
PREVIEW_EVERY = 5
"""Steps from one preview to the next."""


class DiffusionGenerator:
    """One pipeline of diffusers, loaded once, drawing with references and without from the same weights.

    Candidates are drawn one after the other: their pixels must not depend on what else is in the batch, and on a
    device a batch is computed by other kernels than a single image. The noise comes from the CPU, so that a seed means
    the same picture on every device, up to its rounding.

    Args:
        preset: which model, and how it is asked.
        settings: where and how its weights are held.
        name: by which ``--generator`` finds it; the preset's name if not given.
        loaded: the preset's pipeline where it is there already; else it is loaded.

    Raises:
        UserError: it can't be loaded here.
    """

    def __init__(
        self,
        preset: Preset,
        settings: DeviceSettings | None = None,
        name: str | None = None,
        loaded: Loaded | None = None,
    ) -> None:
        self.preset = preset
        self.name = name or preset.name
        self.max_references = preset.max_references
        self._loaded = loaded or load(preset, settings or DeviceSettings())
        self._lock = threading.Lock()
        self._previews = Previews(self._loaded.pipeline, preset.height, preset.width)
        recipe = preset.model_dump_json(exclude={"name", "licence", "weights"})
        what = f"{recipe} {self._loaded.dtype} {self._loaded.mode == '4bit'} {self._loaded.revision}"
        self.revision = hashlib.sha256(what.encode()).hexdigest()[:12]

    @property
    def pipeline(self) -> Any:
        """The pipeline of diffusers."""
        return self._loaded.pipeline

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
            for number, seed in enumerate(request.seeds):
                control.check()
                drawing = self._one(request, seed, control.of_candidate(number, len(request.seeds)))
                if drawing is not None:
                    drawings.append(drawing)
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

    def _one(self, request: DrawRequest, seed: int, control: DrawControl) -> Drawing | None:
        """Draw one candidate; with less memory, once, where it ran out; ``None`` if the safety checker refuses it."""

        def drawn(notes: tuple[str, ...]) -> Drawing | None:
            return self._drawn(request, seed, control, notes)

        return with_less_memory(drawn, self.pipeline, self._loaded, lambda: self._no_memory(request))

    def _no_memory(self, request: DrawRequest) -> InvalidArgument:
        fewer = "with fewer references, or " if request.references else ""
        return InvalidArgument(
            f"{self.name!r} ran out of memory on {self._loaded.device}, also with --memory {self._loaded.mode}; "
            f"try again {fewer}another --generator or --memory mode"
        )

    def _drawn(self, request: DrawRequest, seed: int, control: DrawControl, notes: tuple[str, ...]) -> Drawing | None:
        family, preset = self._loaded.family, self.preset
        pipeline = family.pipeline_for(request.references)
        said = family.words(plain(request.prompt), request.references)
        total = preset.steps

        def after_step(_: Any, index: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            control.step(index + 1, total)
            if control.wants_previews and (index + 1) % PREVIEW_EVERY == 0 and index + 1 < total:
                shown = self._previews.show(tensors["latents"])
                if shown is not None:
                    control.preview(shown)
            if index + 1 < total:
                control.check()
            return {}

        # Some pipelines (OmniGen) also draw from the global generator when they encode references.
        devices = [self._loaded.device] if self._loaded.device.type == "cuda" else []
        arguments = {**_guidance(pipeline, preset), **family.arguments(request)}
        try:
            with torch.random.fork_rng(devices=devices):
                torch.manual_seed(seed)
                output = pipeline(
                    prompt=said.text,
                    width=preset.width,
                    height=preset.height,
                    num_inference_steps=total,
                    generator=torch.Generator("cpu").manual_seed(seed),
                    callback_on_step_end=after_step,
                    **arguments,
                )
        finally:
            pipeline.maybe_free_model_hooks()
        if any(getattr(output, "nsfw_content_detected", None) or ()):
            return None
        facts: dict[str, object] = {
            "model": preset.model,
            "words": said.text,
            "steps": total,
            "guidance": preset.guidance,
            "device": self._loaded.device.type,
            "dtype": str(self._loaded.dtype).removeprefix("torch."),
            "memory": self._loaded.mode,
            "notes": [*said.notes, *notes],
        }
        return Drawing(output.images[0].convert("RGB"), seed, facts)


def _guidance(pipeline: Any, preset: Preset) -> dict[str, Any]:
    """Return guidance, negative prompt and the like under the names that this pipeline has for them."""
    import inspect

    takes = inspect.signature(pipeline.__call__).parameters
    name = "true_cfg_scale" if type(pipeline).__name__.startswith("QwenImage") else "guidance_scale"
    given: dict[str, Any] = {name: preset.guidance} if name in takes else {}
    if "max_area" in takes:  # FLUX.1 Kontext would scale any size to its own idea of an area
        given["max_area"] = preset.width * preset.height
    if preset.negative_prompt and "negative_prompt" in takes:
        given["negative_prompt"] = preset.negative_prompt
    return given


def _with_notes(facts: Mapping[str, object], note: str) -> dict[str, object]:
    notes = facts.get("notes")
    return {**facts, "notes": [*(notes if isinstance(notes, list) else []), note]}


def load_diffusion(name: str, settings: DeviceSettings, known_as: str | None = None) -> DiffusionGenerator:
    """Return the generator of a preset, a model id or a folder.

    Args:
        name: which.
        settings: where and how its weights are held.
        known_as: by which ``--generator`` finds it; the preset's name if not given.

    Raises:
        UserError: there is none of that name, or it can't be loaded here.
    """
    return DiffusionGenerator(preset_of(name), settings, known_as)
