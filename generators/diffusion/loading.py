"""From a name to a pipeline whose weights lie where they should, or one line that says why not."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.devices import choose_device, choose_dtype, free_bytes
from imagerag.errors import UserError
from imagerag.extras import missing
from imagerag.generators.diffusion.families import FAMILIES, PIPELINES
from imagerag.generators.diffusion.memory import BYTES_OF, choose_mode, place
from imagerag.generators.diffusion.presets import PRESETS, Preset, load_presets
from imagerag.generators.diffusion.quantisation import has_4bit, quantisation
from imagerag.model_hub import damaged_weights, http_error, not_fetched, refusal, silence_libraries


@dataclass
class Loaded:
    """A pipeline, ready to draw.

    Attributes:
        pipeline: diffusers' own.
        family: how its references go in.
        device: where it computes.
        dtype: of its weights.
        mode: where its weights lie.
        revision: of the checkpoint, where its files tell; else empty.
    """

    pipeline: Any
    family: Any
    device: torch.device
    dtype: torch.dtype
    mode: Memory
    revision: str


def preset_of(name: str) -> Preset:
    """Return the preset of a name, or, for a model id or folder, that of its pipeline class with this model in it.

    Raises:
        UserError: no such preset, or no such model; the message says what there is.
    """
    presets = load_presets()
    if name in presets:
        return presets[name]
    folder = os.path.expanduser(name)
    there = os.path.exists(folder)  # Path.exists raises where a name is too long, Path.expanduser for an unknown user
    if "/" not in name and not there:
        raise UserError(f"preset {name!r} is not known; give one of: {', '.join(presets)}, a model id, or a folder")
    for preset in presets.values():
        if preset.model == name:
            return preset
    model = str(Path(folder)) if there else name
    like = PIPELINES.get(class_of(model, None, None))
    if like is None:
        return Preset.model_validate({"name": f"diffusers:{name}", "model": model, "family": "text"})
    changes = {"name": f"diffusers:{name}", "model": model, "variant": None, "licence": "unknown"}
    return presets[like].model_copy(update=changes)


def class_of(model: str, revision: str | None, preset: Preset | None) -> str:
    """Return the name of the pipeline class that a checkpoint is for.

    Raises:
        UserError: it isn't here and can't be fetched, or is no pipeline of diffusers.
    """
    from diffusers import DiffusionPipeline

    silence_libraries()
    file = Path(model) / "model_index.json"
    try:
        table = (
            json.loads(file.read_text(encoding="utf-8"))
            if os.path.isdir(model)
            else DiffusionPipeline.load_config(model, revision=revision)
        )
        return str(table["_class_name"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, http_error()) as error:
        raise _missing(model, preset, error) from error


def load(preset: Preset, settings: DeviceSettings) -> Loaded:
    """Load a preset's pipeline, with its adapter, and place it.

    Raises:
        UserError: it isn't here and can't be fetched; it has no safetensors; a device or library is lacking.
    """
    import diffusers
    from diffusers import AutoPipelineForText2Image, DiffusionPipeline

    if preset.adapter is not None and not preset.allow_pickle and not preset.adapter.file.endswith(".safetensors"):
        raise _not_safe(preset.adapter.file)
    device = choose_device(settings)
    dtype = choose_dtype(settings, device)
    class_name = class_of(preset.model, preset.revision, preset)
    # Where a library is missing, diffusers has a stand-in of the class's name, which fails with an AttributeError.
    if "sentencepiece" in getattr(getattr(diffusers, class_name, None), "_backends", ()):
        raise missing("sentencepiece", "diffusion", repr(preset.model))
    sizes = {name: 1e9 * size * BYTES_OF[dtype] for name, size in preset.weights.items()} or _sizes(preset.model)
    mode = choose_mode(settings, device, sizes, free_bytes(device), has_4bit())
    safe = {"use_safetensors": None if preset.allow_pickle else True}
    options: dict[str, Any] = {**safe, "dtype": dtype}
    if mode == "4bit":
        options["quantization_config"] = quantisation(sizes, dtype)
    family_class = FAMILIES[preset.family]
    known = class_name in PIPELINES or preset.family != "text"
    factory: Any = DiffusionPipeline if known else AutoPipelineForText2Image
    what = preset.model
    try:
        if preset.adapter is not None and preset.family == "ip-adapter":
            what = preset.adapter.encoder
        components = family_class.components(preset, class_name, **safe, dtype=dtype)
        what = preset.model
        pipeline = factory.from_pretrained(
            preset.model, revision=preset.revision, variant=preset.variant or None, **components, **options
        )
        pipeline.set_progress_bar_config(disable=True)
        family = family_class(pipeline, preset)
        if preset.adapter is not None:
            what = f"{preset.adapter.model} ({preset.adapter.file})"
        family.prepare()
    except UserError:
        raise
    except Exception as error:
        if (damaged := damaged_weights(what, error)) is not None:
            raise damaged from error
        if not isinstance(
            error, (OSError, ValueError, LookupError, TypeError, RuntimeError, ImportError, http_error())
        ):
            raise
        raise _missing(what, preset, error) from error
    for saving in ("enable_slicing", "enable_tiling"):
        if hasattr(pipeline, "vae") and hasattr(pipeline.vae, saving):
            getattr(pipeline.vae, saving)()
    place(pipeline, device, mode)
    commit = getattr(pipeline.config, "_commit_hash", None) or ""
    return Loaded(pipeline, family, device, dtype, mode, commit)


def _sizes(model: str) -> dict[str, float]:
    """Return bytes of each part of a pipeline in a folder, read off its files; empty for what isn't one."""
    folder = Path(model)
    if not folder.is_dir():
        return {}
    sizes = {part.name: float(sum(f.stat().st_size for f in part.glob("*.safetensors"))) for part in folder.iterdir()}
    return {name: size for name, size in sizes.items() if size}


def _missing(what: str, preset: Preset | None, error: Exception) -> UserError:
    """Say in one line what can't be had, how large it is, and the command that gets it."""
    reason = " ".join(str(error).split())[:200]
    local = Path(what.partition(" (")[0]).exists()
    size = preset.gigabytes() if preset is not None else None
    about = f" (about {size:.1f} GB)" if size else ""
    found = None if local else refusal(what.partition(" (")[0], error)
    # Of a model the libraries look for safetensors first, and for an adapter's file by its name.
    if found is not None and not (found.kind == "file" and "safetensors" in found.why and " (" not in what):
        return not_fetched(what, error, about)
    if "sentencepiece" in reason.lower() and find_spec("sentencepiece") is None:
        return missing("sentencepiece", "diffusion", repr(what))
    if "safetensors" in reason:
        return _not_safe(what)
    if local or isinstance(error, ImportError):
        return UserError(f"{what!r} can't be loaded ({reason}); check the folder, or name another --generator")
    return not_fetched(what, error, about)


def _not_safe(what: str) -> UserError:
    return UserError(
        f"{what!r} has no weights as safetensors, and pickled ones can run any code; to load them all the same, set "
        f"allow_pickle = true in a preset of your own ({PRESETS})"
    )
