"""What a repository or folder says of the pipeline in it, read before any weights."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from imagerag.generators.diffusion.load_errors import not_loaded
from imagerag.generators.diffusion.other_models import no_pipeline
from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.recipes import DENOISERS, Published
from imagerag.hub_offline import offline_where_unreachable
from imagerag.model_hub import http_error, refusal, silence_libraries
from imagerag.regular_files import read_regular_text


def published_by(model: str, revision: str | None, preset: Preset | None) -> Published:
    """Return what a repository or folder says of the pipeline in it.

    Raises:
        UserError: it isn't here and can't be fetched, or is no pipeline of diffusers.
    """
    silence_libraries()
    with offline_where_unreachable([model]):
        return _published(model, revision, preset)


def _published(model: str, revision: str | None, preset: Preset | None) -> Published:
    from diffusers import DiffusionPipeline

    file = Path(model) / "model_index.json"
    try:
        index: Any = (
            json.loads(read_regular_text(file))
            if os.path.isdir(model)
            else DiffusionPipeline.load_config(model, revision=revision)
        )
        index = {**index, "_class_name": str(index["_class_name"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError, http_error()) as error:
        if _lacks_index(model, error):
            files = _files(model, revision)
            parts = {part: _config(model, revision, part) for part in DENOISERS if f"{part}/config.json" in files}
            raise no_pipeline(model, _config(model, revision, ""), files, parts) from error
        raise not_loaded(model, preset, error) from error

    @lru_cache
    def config(part: str) -> Mapping[str, Any]:
        with offline_where_unreachable([model]):
            return _config(model, revision, part)

    return Published(model, index, config)


def _lacks_index(model: str, error: Exception) -> bool:
    """Tell whether a folder or repository is there, and only its ``model_index.json`` isn't."""
    if os.path.isdir(model):
        return isinstance(error, FileNotFoundError)
    found = refusal(model, error)
    return found is not None and found.kind == "file"


def _files(model: str, revision: str | None) -> tuple[str, ...]:
    """Return the files of a folder, of those in it, or of a repository; none where they can't be had."""
    from huggingface_hub import list_repo_files

    try:
        if os.path.isdir(model):
            found = [*Path(model).glob("*"), *Path(model).glob("*/*")]
            return tuple(sorted(file.relative_to(model).as_posix() for file in found if file.is_file()))
        return tuple(sorted(list_repo_files(model, revision=revision)))
    except (OSError, ValueError, http_error()):
        return ()


def _config(model: str, revision: str | None, part: str) -> Mapping[str, Any]:
    """Return the configuration of a part of a pipeline, or its own; empty where there is none that can be read."""
    from huggingface_hub import hf_hub_download

    name = "scheduler_config.json" if part == "scheduler" else "config.json"
    try:
        here = os.path.isdir(model)
        file = (
            Path(model, part, name) if here else hf_hub_download(model, f"{part}/{name}".lstrip("/"), revision=revision)
        )
        read: Any = json.loads(read_regular_text(file))
    except (OSError, ValueError, RecursionError, http_error()):
        return {}
    return read if isinstance(read, dict) else {}
