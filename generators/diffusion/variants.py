"""Which variant of the weights is there to be loaded, in a folder or, without a network, in the hub's cache."""

from __future__ import annotations

import os
import re
from pathlib import Path

from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.recipes import DENOISERS
from imagerag.model_hub import http_error

WEIGHTS = ".safetensors"

_VARIANT = re.compile(r"\.(?P<variant>[a-z0-9_]+)(?:-\d+-of-\d+)?\.safetensors$")
"""In the names that diffusers gives to weights of a variant, whole or in shards (``_add_variant``)."""


def variant_here(preset: Preset) -> tuple[str | None, tuple[str, ...]]:
    """Return the variant to load, and what to tell where it isn't the preset's.

    Args:
        preset: whose model is loaded.
    """
    folder = Path(preset.model) if os.path.isdir(preset.model) else _cached(preset)
    if folder is not None:
        files = [file.relative_to(folder).as_posix() for file in folder.glob(f"*/*{WEIGHTS}")]
    else:
        files = _listed(preset)
    there = {_variant(file) for file in files if file.endswith(WEIGHTS) and file.partition("/")[0] in DENOISERS}
    if not there or preset.variant in there:
        return preset.variant, ()
    found = None if None in there else sorted(each for each in there if each)[0]
    wanted, instead = (f"variant {each!r}" if each else "usual weights" for each in (preset.variant, found))
    where = "not on this machine" if folder is not None else "not in its repository"
    return found, (f"the {wanted} of {preset.model!r} are {where}; the {instead} are loaded",)


def _listed(preset: Preset) -> list[str]:
    """Return the files of a repository that the hub can be asked for; none where it gives no answer."""
    from huggingface_hub import constants, list_repo_files

    if constants.HF_HUB_OFFLINE:
        return []
    try:
        return list_repo_files(preset.model, revision=preset.revision)
    except (OSError, ValueError, http_error()):  # what is wrong is told by loading
        return []


def _cached(preset: Preset) -> Path | None:
    """Return the folder of the cache with a model's files where nothing else can be had; else ``None``."""
    from huggingface_hub import constants, snapshot_download

    if not constants.HF_HUB_OFFLINE:
        return None
    try:
        folder = snapshot_download(
            preset.model, revision=preset.revision, local_files_only=True, allow_patterns=["model_index.json"]
        )
    except (OSError, ValueError):  # nothing of it is here, which loading tells
        return None
    return Path(folder)


def _variant(name: str) -> str | None:
    found = _VARIANT.search(name)
    return found["variant"] if found else None
