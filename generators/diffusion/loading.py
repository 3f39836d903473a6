"""From a name to a pipeline whose weights lie where they should, or one line that says why not."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.devices import choose_device, choose_dtype, free_bytes
from imagerag.errors import UserError, first_line
from imagerag.extras import missing
from imagerag.generators.diffusion.attention import NATIVE, faster_attention, set_attention
from imagerag.generators.diffusion.families import FAMILIES
from imagerag.generators.diffusion.fast import denoiser_of
from imagerag.generators.diffusion.latent_cache import remember_latents
from imagerag.generators.diffusion.lora import apply_loras
from imagerag.generators.diffusion.memory import BYTES_OF, choose_mode, is_out_of_memory, placed_or_less, release
from imagerag.generators.diffusion.pipeline_classes import by_its_defaults, drawing_class
from imagerag.generators.diffusion.presets import PRESETS, Preset, load_presets
from imagerag.generators.diffusion.prompt_cache import remember_prompts
from imagerag.generators.diffusion.quantisation import has_4bit, quantisation
from imagerag.generators.diffusion.recipes import Published, recipe_of
from imagerag.generators.diffusion.single_file import WORDS, SingleFile, class_name_of, examine, load_file
from imagerag.hub_offline import offline_where_unreachable
from imagerag.lora import AppliedLora, LoraName
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
        loras: what was added to its weights.
        file_sha256: of the one file that its weights are from, if they are; 64 hex digits.
        attention: what its denoiser's attention is computed by; a name of diffusers' ``AttentionBackendName``.
        notes: what to tell with every drawing.
        placed: whether the weights lie where ``mode`` wants them.
    """

    pipeline: Any
    family: Any
    device: torch.device
    dtype: torch.dtype
    mode: Memory
    revision: str
    loras: tuple[AppliedLora, ...] = ()
    file_sha256: str = ""
    attention: str = NATIVE
    notes: tuple[str, ...] = ()
    placed: bool = True


def preset_of(name: str) -> Preset:
    """Return the preset of a name, or, for a model id or folder, the recipe that fits it, with the reason told.

    Raises:
        UserError: no such preset, no such model, or one that draws no images; the message says what there is.
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
    published = published_by(str(Path(folder)) if there else name, None, None)
    pipeline_class = drawing_class(published.class_name, name)
    published = replace(published, index={**published.index, "_class_name": pipeline_class.__name__})
    called = f"diffusers:{name}"
    recipe = recipe_of(published, presets)
    if recipe is None:
        return by_its_defaults(called, published.model, pipeline_class)
    return recipe.model_copy(update={"name": called})


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
            json.loads(file.read_text(encoding="utf-8"))
            if os.path.isdir(model)
            else DiffusionPipeline.load_config(model, revision=revision)
        )
        index = {**index, "_class_name": str(index["_class_name"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError, http_error()) as error:
        raise _missing(model, preset, error) from error

    @lru_cache
    def config(part: str) -> Mapping[str, Any]:
        with offline_where_unreachable([model]):
            return _config(model, revision, part)

    return Published(model, index, config)


def _config(model: str, revision: str | None, part: str) -> Mapping[str, Any]:
    """Return the configuration of a part of a pipeline; empty where there is none that can be read."""
    from huggingface_hub import hf_hub_download

    name = "scheduler_config.json" if part == "scheduler" else "config.json"
    try:
        here = os.path.isdir(model)
        file = Path(model, part, name) if here else hf_hub_download(model, f"{part}/{name}", revision=revision)
        read: Any = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, http_error()):
        return {}
    return read if isinstance(read, dict) else {}


def load(preset: Preset, settings: DeviceSettings, loras: tuple[str, ...] = ()) -> Loaded:
    """Load a preset's pipeline, with its adapter and LoRA weights, into the host's memory; in 4 bits, place it.

    Raises:
        UserError: it isn't here and can't be fetched; it has no safetensors; a device or library is lacking; it doesn't
            fit into the memory.
    """
    adapter = preset.adapter
    of_adapter = [] if adapter is None else [adapter.model, adapter.encoder]
    names = [LoraName.parse(lora).where for lora in loras]
    with offline_where_unreachable([preset.model, *of_adapter, *names]):
        return _load(preset, settings, loras)


def _load(preset: Preset, settings: DeviceSettings, loras: tuple[str, ...]) -> Loaded:
    if preset.adapter is not None and not preset.allow_pickle and not preset.adapter.file.endswith(".safetensors"):
        raise _not_safe(preset.adapter.file)
    device = choose_device(settings)
    dtype = choose_dtype(settings, device)
    file = examine(Path(os.path.expanduser(preset.file))) if preset.file else None
    class_name = class_name_of(file, preset) if file is not None else ""
    class_name = class_name or published_by(preset.model, preset.revision, preset).class_name
    pipeline_class = drawing_class(class_name, preset.model)
    # Where a library is missing, diffusers has a stand-in of the class's name, which fails with an AttributeError.
    if "sentencepiece" in getattr(pipeline_class, "_backends", ()):
        raise missing("sentencepiece", "diffusion", repr(preset.model))
    sizes = {name: 1e9 * size * BYTES_OF[dtype] for name, size in preset.weights.items()} or _sizes(preset.model)
    if file is not None:
        sizes[file.denoiser] = float(file.path.stat().st_size)
        if settings.memory == "4bit":
            raise UserError(
                f"memory '4bit' does not quantise {file.path.name!r}; give a GGUF file, or another --memory"
            )
    mode = choose_mode(settings, device, sizes, free_bytes(device), has_4bit() and file is None)
    quantised = quantisation(sizes, dtype) if mode == "4bit" else None
    try:
        pipeline, family = _pipeline(preset, pipeline_class, dtype, quantised, file)
        applied = apply_loras(pipeline, loras, preset.model)
        if mode == "4bit":  # quantising has put them on the device
            mode = placed_or_less(pipeline, device, mode, preset.model)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        if mode != "4bit":  # on the host, which holds the weights in all other modes first
            raise UserError(
                f"{preset.model!r} does not fit into this machine's memory; close what else uses it, or name another "
                "--generator"
            ) from error
        mode = "sequential"
    else:
        commit = getattr(pipeline.config, "_commit_hash", None) or ""
        digest = file.sha256() if file is not None else ""
        placed = mode == "4bit"
        return attended(Loaded(pipeline, family, device, dtype, mode, commit, applied, digest, placed=placed))
    release(device)
    return _load(preset, replace(settings, memory=mode), loras)


def _pipeline(
    preset: Preset, pipeline_class: Any, dtype: torch.dtype, quantised: Any, single: SingleFile | None
) -> tuple[Any, Any]:
    """Load a pipeline, with its adapter, in the host's memory; return it, and how its references go in."""
    safe = {"use_safetensors": None if preset.allow_pickle else True}
    options: dict[str, Any] = {**safe, "dtype": dtype}
    if quantised is not None:
        options["quantization_config"] = quantised
    family_class = FAMILIES[preset.family]
    what = preset.model
    try:
        if preset.adapter is not None:
            what = preset.adapter.encoder
        components = family_class.components(preset, pipeline_class.__name__, **safe, dtype=dtype)
        what = preset.model
        if single is not None:
            pipeline = load_file(single, preset, pipeline_class.__name__, dtype, components)
        else:
            pipeline = pipeline_class.from_pretrained(
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
        if is_out_of_memory(error):
            raise
        if (damaged := damaged_weights(what, error)) is not None:
            raise damaged from error
        if not isinstance(
            error, (OSError, ValueError, LookupError, TypeError, RuntimeError, ImportError, http_error())
        ):
            raise
        failure = _missing(what, preset, error)
        if single is not None and what != preset.model:  # the file is here, and only what references go in by lacks
            told = f"{failure}; or draw without references: --generator file:{preset.file}@{WORDS}"
            raise UserError(told) from error
        raise failure from error
    spare(pipeline, family)
    return pipeline, family


def spare(pipeline: Any, family: Any) -> None:
    """Let a loaded pipeline decode images in tiles, and encode the same words and references once.

    Args:
        pipeline: of diffusers.
        family: of the pipeline, which may draw from words by another pipeline over the same weights.
    """
    for saving in ("enable_slicing", "enable_tiling"):
        if hasattr(pipeline, "vae") and hasattr(pipeline.vae, saving):
            getattr(pipeline.vae, saving)()
    for drawing in (pipeline, family.pipeline_for(())):
        remember_prompts(drawing)
    remember_latents(pipeline)


def attended(loaded: Loaded) -> Loaded:
    """Return a pipeline whose attention is computed by the fastest exact kernel that the device and packages have."""
    wanted = faster_attention(loaded.device, loaded.dtype, approximate=False)
    try:
        return replace(loaded, attention=set_attention(denoiser_of(loaded.pipeline), wanted))
    except (RuntimeError, ImportError) as error:
        note = f"attention by {wanted!r} can't be used here ({first_line(error)}); torch's own is used instead"
        return replace(loaded, notes=(*loaded.notes, note))


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
