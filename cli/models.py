"""``imagerag models``: how local models are asked, and where that is known from."""

import argparse
from textwrap import fill
from typing import Any, TextIO

from imagerag.cli.terminal import say, say_json
from imagerag.errors import UserError
from imagerag.generators.diffusion.edit import EDITORS
from imagerag.generators.diffusion.fast_offers import lacking_cache, offers
from imagerag.generators.diffusion.presets import Preset, load_presets
from imagerag.generators.diffusion.structured_prompts import advice
from imagerag.generators.registry import is_images_api
from imagerag.shell_words import quoted

WIDTH = 120
"""Columns of a line."""
UNBROKEN: Any = {"break_long_words": False, "break_on_hyphens": False}
"""Names and paths can be copied."""


def list_models(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print the recipe of each preset, or of the models that are named, and return the exit status.

    Raises:
        UserError: a model isn't known, can't be had, or draws no images.
    """
    presets = [_preset_of(name) for name in options.model] if options.model else list(load_presets().values())
    if options.json:
        say_json([_row(preset) for preset in presets], stdout)
        return 0
    for preset in presets:
        say(f"{preset.name}: {preset.file or preset.model}", file=stdout)
        for line in _lines(preset):
            say(fill(line, WIDTH, initial_indent="  ", subsequent_indent="    ", **UNBROKEN), file=stdout)
    return 0


OTHERS = ("comfyui", "patchwork")
"""Generators that no pipeline of diffusers draws for."""


def _preset_of(name: str) -> Preset:
    from imagerag.generators.diffusion.loading import preset_of  # torch takes seconds
    from imagerag.generators.diffusion.single_file import preset_of_file

    prefix, colon, rest = name.partition(":")
    if colon and prefix == "file":
        return preset_of_file(rest)
    if prefix != "diffusers" and (prefix in OTHERS or is_images_api(name)):
        raise UserError(
            f"{name!r} has no recipe here: it is no local model of diffusers; what a run with it needs and costs: "
            f"{quoted(['imagerag', 'doctor', '--generator', name])}"
        )
    return preset_of(rest if colon and prefix == "diffusers" else name)


def _row(preset: Preset) -> dict[str, Any]:
    own = {"gigabytes": preset.gigabytes(), "fast": _fast(preset), "fast_lacks": _lacking(preset)}
    own |= {"prompt_form": advice(preset.pipeline)}
    return preset.model_dump(mode="json") | own


def _fast(preset: Preset) -> list[str] | None:
    """Return what ``--fast`` would take; ``None`` where that is known only once the model is loaded."""
    return offers(_classes(preset), preset.steps) if preset.pipeline else None


def _lacking(preset: Preset) -> str:
    """Return what there isn't for it, and why; empty where nothing is lacking, or that isn't known yet."""
    return lacking_cache(_classes(preset), preset.steps) if preset.pipeline else ""


def _classes(preset: Preset) -> tuple[str, str]:
    """Return the pipelines that draw with references and without."""
    without = EDITORS[preset.pipeline].without if preset.pipeline in EDITORS else ""
    return preset.pipeline, without or preset.pipeline


def _lines(preset: Preset) -> list[str]:
    """Return what is told of a preset, each line by itself."""
    asked = f"{preset.steps} steps, guidance {preset.guidance:g}, {preset.width} x {preset.height}"
    if preset.negative_prompt:
        asked += f", negative prompt {preset.negative_prompt!r}"
    takes = "none" if preset.family == "text" else f"{preset.max_references} at most ({preset.family})"
    size = f"{preset.gigabytes():.1f} GB in 16 bits" if preset.gigabytes() else "not known before it is loaded"
    lines = [f"recipe: {preset.recipe}"] if preset.recipe else []
    if preset.file:
        lines.append(f"what the file lacks is taken from {preset.model}")
    if preset.sigmas:
        asked += f", sigmas {', '.join(map(str, preset.sigmas))}"
    if preset.scheduler:
        asked += f", scheduler {', '.join(f'{key} {value}' for key, value in preset.scheduler.items())}"
    if told := advice(preset.pipeline):
        asked += f"; {told}"
    lines += [asked, f"references: {takes}; weights: {size}; licence: {preset.licence}"]
    fast = _fast(preset)
    told = "known once it is loaded" if fast is None else ", ".join(fast) or "nothing"
    lacking = _lacking(preset)
    lines.append(f"--fast: {told}{'; ' if lacking else ''}{lacking}")
    if preset.source:
        lines.append(f"source: {', '.join(preset.source)}")
    if preset.unchecked:
        lines.append(f"unchecked: {', '.join(preset.unchecked)}")
    return lines
