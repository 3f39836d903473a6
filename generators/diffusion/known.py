"""What can be told of a generator of diffusers from what lies on this machine: nothing is loaded or fetched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.generators.diffusion.presets import Preset, load_presets
from imagerag.generators.diffusion.recipes import Published, recipe_of
from imagerag.model_files import PipelineFiles, count_parameters, snapshot, table_of

WEIGHTS = ".safetensors"


def known_preset(generator: str) -> Preset | None:
    """Return how a generator of diffusers is asked, as far as its name, or what lies here of it, tells.

    Of a repository that nothing lies here of, it knows the model alone; see ``is_recognised``.

    Returns:
        The preset; ``None`` of a generator that draws in another way, and of a file that can't be read or whose family
        isn't known.

    Raises:
        UserError: a file of presets can't be read.
    """
    presets = load_presets()
    prefix, colon, rest = generator.partition(":")
    if not colon:
        return presets.get(generator)
    if prefix == "file":
        return _of_file(rest)
    if prefix != "diffusers":
        return None
    if rest in presets:
        return presets[rest]
    found = next((preset for preset in presets.values() if preset.model == rest), None)
    return found or of_published(_lying_here(rest), presets)


def is_recognised(preset: Preset) -> bool:
    """Tell whether more than the model's name is known: how it is asked, by a preset or by its own files."""
    return bool(preset.source or preset.recipe or preset.weights or not preset.name.startswith("diffusers:"))


def of_published(
    published: Published, presets: Mapping[str, Preset], weights: dict[str, float] | None = None
) -> Preset:
    """Return the recipe that fits what a repository or folder says, with the sizes of its own weights.

    Args:
        published: what it says; without an index where nothing is known.
        presets: all that there are, by name.
        weights: parameters of each part in billions; read off the files where it is a folder, unless given.
    """
    recipe = recipe_of(published, presets) if published.index else None
    if weights is None:
        folder = Path(published.model) if Path(published.model).is_dir() else snapshot(published.model, None)
        weights = {} if folder is None else parameters_of(folder, published.index)
    if recipe is None:
        named = {"name": f"diffusers:{published.model}", "model": published.model, "family": "text"}
        return Preset.model_validate({**named, "weights": weights})
    adapted = {name: size for name, size in recipe.weights.items() if name in ("image_encoder", "adapter")}
    return recipe.model_copy(update={"weights": {**weights, **adapted} if weights else recipe.weights})


def parameters_of(folder: Path, index: Mapping[str, Any]) -> dict[str, float]:
    """Return the parameters of each part of a pipeline in billions, by the headers of the files that are loaded."""
    sizes: dict[str, float] = {}
    files = {file.relative_to(folder).as_posix() for file in folder.glob(f"*/*{WEIGHTS}")}
    for file in PipelineFiles().of(files, index) if index else ():
        part = file.partition("/")[0]
        if isinstance(index.get(part), list) and file.endswith(WEIGHTS):
            sizes[part] = sizes.get(part, 0.0) + count_parameters(folder / file) / 1e9
    return sizes


def _lying_here(name: str) -> Published:
    model = str(Path(os.path.expanduser(name)))
    folder = Path(model) if Path(model).is_dir() else snapshot(name, None)
    if folder is None:
        return Published(model, {}, lambda part: {})
    at = folder

    def config(part: str) -> Mapping[str, Any]:
        return table_of(at / part / ("scheduler_config.json" if part == "scheduler" else "config.json"))

    return Published(model, table_of(folder / "model_index.json"), config)


def _of_file(name: str) -> Preset | None:
    from imagerag.generators.diffusion.single_file import preset_of_file  # torch takes seconds

    try:
        return preset_of_file(name)
    except UserError:
        return None
