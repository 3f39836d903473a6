"""What the hub says of a model that no preset is of and nothing lies here of: how it is asked, and how large it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imagerag.doctor.hub import Listing, fetched_table, listing
from imagerag.doctor.needs import preset_of
from imagerag.doctor.threads import left, waits_end_after
from imagerag.errors import UserError
from imagerag.generators.diffusion.known import is_recognised, of_published
from imagerag.generators.diffusion.presets import Preset, load_presets
from imagerag.generators.diffusion.recipes import Published
from imagerag.model_files import PipelineFiles
from imagerag.model_hub import may_be_repository
from imagerag.profiles.resolve import RunSettings

SECONDS = 3.0
"""For all that is asked, since the other checks come after it."""
SMALL = 1e7
"""Bytes of a folder below which it holds no weights worth counting."""


def published_presets(settings: RunSettings, offline: bool) -> dict[str, Preset]:
    """Return, by generator, what its repository says, where nothing here does; only small files are read.

    Args:
        settings: of the run.
        offline: don't ask the hub.
    """
    try:
        preset = preset_of(settings.generator)
    except UserError:  # a file of presets that can't be read is told by the check of files
        return {}
    if preset is None or is_recognised(preset) or offline or not may_be_repository(preset.model):
        return {}
    with waits_end_after(left(SECONDS)):
        return _asked(settings.generator, preset.model)


def _asked(generator: str, model: str) -> dict[str, Preset]:
    about = listing(model, None)
    if not about.index or about.refused is not None:
        return {}

    def config(part: str) -> Mapping[str, Any]:
        name = "scheduler_config.json" if part == "scheduler" else "config.json"
        return fetched_table(model, None, f"{part}/{name}")

    published = Published(model, about.index, config)
    return {generator: of_published(published, load_presets(), _sizes(about))}


def _sizes(about: Listing) -> dict[str, float]:
    """Return the parameters of each part in billions, by the bytes of its files: of four each where there is a UNet."""
    each = 4 if "unet" in about.index else 2
    sizes: dict[str, float] = {}
    for file in PipelineFiles().of(about.files, about.index):
        part = file.partition("/")[0]
        sizes[part] = sizes.get(part, 0.0) + about.files.get(file, 0)
    return {part: size / each / 1e9 for part, size in sizes.items() if size > SMALL}
