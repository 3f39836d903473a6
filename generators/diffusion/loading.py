"""From a name to a pipeline whose weights lie where they should, or one line that says why not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.devices import choose_device, choose_dtype, free_bytes, is_out_of_memory
from imagerag.errors import UserError, first_line
from imagerag.extras import missing
from imagerag.generators.diffusion.attention import NATIVE, faster_attention, set_attention
from imagerag.generators.diffusion.families import FAMILIES
from imagerag.generators.diffusion.fast import denoiser_of
from imagerag.generators.diffusion.ip_adapter import fetch_adapter
from imagerag.generators.diffusion.latent_cache import remember_latents
from imagerag.generators.diffusion.llama_encoder import llama_components
from imagerag.generators.diffusion.load_errors import not_loaded, not_safe
from imagerag.generators.diffusion.lora import apply_loras, found_loras
from imagerag.generators.diffusion.lora_recipes import asked_with
from imagerag.generators.diffusion.memory import (
    BYTES_OF,
    RanOut,
    choose_mode,
    placed_or_less,
    release,
    stepped_down,
    within_memory,
)
from imagerag.generators.diffusion.other_models import kind_of_checkpoint, refused
from imagerag.generators.diffusion.pipeline_classes import by_its_defaults, drawing_class
from imagerag.generators.diffusion.presets import Preset, load_presets
from imagerag.generators.diffusion.prompt_cache import remember_prompts
from imagerag.generators.diffusion.published import published_by
from imagerag.generators.diffusion.quantisation import has_4bit, quantisation
from imagerag.generators.diffusion.recipes import Published, recipe_of
from imagerag.generators.diffusion.single_file import SingleFile, class_name_of, examine, load_file
from imagerag.generators.diffusion.stored_quantised import Stored, as_stored, held_as, least, stored_quantised
from imagerag.generators.diffusion.variants import variant_here
from imagerag.hub_offline import offline_where_unreachable
from imagerag.lora import AppliedLora, LoraName
from imagerag.model_hub import damaged_weights, http_error, quiet_loading, refusal


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
        preset: how it is asked, where what is here allows for less than what was named.
        notes: what the person should be told of how it was loaded, with every drawing.
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
    preset: Preset | None = None
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
    pipeline_class = _drawing_class(published, name)
    published = replace(published, index={**published.index, "_class_name": pipeline_class.__name__})
    called = f"diffusers:{name}"
    default = by_its_defaults(called, published.model, pipeline_class)
    recipe = recipe_of(published, presets, default)
    assert recipe is not None  # there is a default
    return recipe.model_copy(update={"name": called})


def _drawing_class(published: Published, model: str) -> Any:
    """Return the class that draws what is published; see ``drawing_class``."""
    pipeline_class = drawing_class(published.class_name, model)
    kind = kind_of_checkpoint(published.index, published.denoiser)
    if kind is not None:
        raise refused(model, kind, published.class_name)
    return pipeline_class


def load(preset: Preset, settings: DeviceSettings, loras: tuple[str, ...] = ()) -> Loaded:
    """Load a preset's pipeline, with its adapter and LoRA weights, into the host's memory; in 4 bits, place it.

    Raises:
        UserError: it isn't here and can't be fetched; it has no safetensors; a device or library is lacking; it doesn't
            fit into the memory.
    """
    import diffusers.utils.logging  # noqa: F401 - so that its progress bars are known to quiet_loading

    adapter = preset.adapter
    of_adapter = [] if adapter is None else [adapter.model, adapter.encoder]
    names = [LoraName.parse(lora).where for lora in loras]
    llama = [preset.llama] if preset.llama else []
    with offline_where_unreachable([preset.model, *of_adapter, *llama, *names]), quiet_loading():
        return _load(preset, settings, loras)


def _load(preset: Preset, settings: DeviceSettings, loras: tuple[str, ...]) -> Loaded:
    if preset.adapter is not None and not preset.allow_pickle and not preset.adapter.file.endswith(".safetensors"):
        raise not_safe(preset.adapter.file)
    device = choose_device(settings)
    dtype = choose_dtype(settings, device)
    file = examine(Path(os.path.expanduser(preset.file))) if preset.file else None
    if file is not None and file.family.other is not None:
        raise refused(f"file:{preset.file}", file.family.other, file.family.class_name, file.family.like)
    class_name = class_name_of(file, preset) if file is not None else ""
    stored: Mapping[str, Stored] = {}
    if class_name:
        pipeline_class = drawing_class(class_name, preset.model)
    else:
        published = published_by(preset.model, preset.revision, preset)
        pipeline_class = _drawing_class(published, preset.model)
        stored = stored_quantised(published) if file is None else {}
    settings, already = held_as(preset.model, settings, device, stored)
    # Where a library is missing, diffusers has a stand-in of the class's name, which fails with an AttributeError.
    if "sentencepiece" in getattr(pipeline_class, "_backends", ()):
        raise missing("sentencepiece", "diffusion", repr(preset.model))
    found_loras(pipeline_class, loras, preset.model)  # before gigabytes are fetched
    alone = preset
    preset, of_loras = asked_with(alone, pipeline_class.__name__, loras)
    sizes = {name: 1e9 * size * BYTES_OF[dtype] for name, size in preset.weights.items()}
    sizes = as_stored(sizes, stored) if sizes else _sizes(preset.model)
    if file is not None:
        sizes[file.denoiser] = float(file.path.stat().st_size)
        if settings.memory == "4bit":
            raise UserError(
                f"memory '4bit' does not quantise {file.path.name!r}; give a GGUF file, or another --memory"
            )
    can_quantise = has_4bit() and file is None and not stored
    mode = least(choose_mode(settings, device, sizes, free_bytes(device), can_quantise), stored)
    quantised = quantisation(sizes, dtype) if mode == "4bit" else None

    def made() -> tuple[Assembled, tuple[AppliedLora, ...], RanOut | tuple[Memory, tuple[str, ...]]]:
        assembled = _pipeline(preset, pipeline_class, dtype, quantised, file)
        applied, told = apply_loras(assembled.pipeline, loras, preset.model)
        assembled = assembled._replace(notes=assembled.notes + already + told + of_loras)
        if mode != "4bit":  # quantising puts them on the device; others are placed by who draws with them
            return assembled, applied, (mode, ())
        return assembled, applied, placed_or_less(assembled.pipeline, device, mode, preset.model)

    found = within_memory(made, device)
    if not isinstance(found, RanOut):
        assembled, applied, placed = found
        if not isinstance(placed, RanOut):
            where, notes = placed
            loaded = Loaded(
                assembled.pipeline,
                assembled.family,
                device,
                dtype,
                where,
                revision=getattr(assembled.pipeline.config, "_commit_hash", None) or "",
                loras=applied,
                file_sha256=file.sha256() if file is not None else "",
                preset=assembled.preset,
                notes=assembled.notes + notes,
                placed=mode == "4bit",
            )
            return attended(loaded)
        del assembled, placed
    del found  # which may hold the weights
    if mode != "4bit":  # on the host, which holds the weights in all other modes first
        raise UserError(
            f"{preset.model!r} does not fit into this machine's memory; close what else uses it, or name another "
            "--generator"
        )
    release(device)
    loaded = _load(alone, replace(settings, memory="sequential"), loras)
    return replace(loaded, notes=(stepped_down("4bit", "sequential"), *loaded.notes))


class Assembled(NamedTuple):
    """A pipeline in the host's memory.

    Attributes:
        pipeline, family, preset: as in ``Loaded``.
        notes: what the person should be told.
    """

    pipeline: Any
    family: Any
    preset: Preset
    notes: tuple[str, ...] = ()


def _pipeline(
    preset: Preset, pipeline_class: Any, dtype: torch.dtype, quantised: Any, single: SingleFile | None
) -> Assembled:
    """Load a pipeline, with its adapter, in the host's memory.

    Where there is no network and only the adapter is not here, it draws from words.
    """
    safe = {"use_safetensors": None if preset.allow_pickle else True}
    options: dict[str, Any] = {**safe, "dtype": dtype}
    if quantised is not None:
        options["quantization_config"] = quantised
    family_class = FAMILIES[preset.family]
    what = preset.model
    notes: tuple[str, ...] = ()
    try:
        if preset.adapter is not None:
            what = f"{preset.adapter.model} ({preset.adapter.file})"
            fetch_adapter(preset.adapter)
            what = preset.adapter.encoder
        components = family_class.components(preset, pipeline_class.__name__, **safe, dtype=dtype)
        what = preset.llama or preset.model
        components |= llama_components(preset.llama, dtype, quantised is not None, **safe)
        what = preset.model
        if single is not None:
            pipeline = load_file(single, preset, pipeline_class.__name__, dtype, components)
        else:
            variant, notes = variant_here(preset)
            preset = preset.model_copy(update={"variant": variant})
            pipeline = pipeline_class.from_pretrained(
                preset.model, revision=preset.revision, variant=variant, **components, **options
            )
        if preset.scheduler:
            pipeline.scheduler = scheduler_like(pipeline.scheduler, preset.scheduler)
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
        failure = not_loaded(what, preset, error)
        away = refusal(what.partition(" (")[0], error)
        if what in (preset.model, preset.llama) or away is None or away.kind != "unreachable":
            raise failure from error
        told = f"references are not possible, and it draws from words alone: {failure}"
    else:
        spare(pipeline, family)
        return Assembled(pipeline, family, preset, notes)
    bare = preset.model_copy(update={"family": "text", "adapter": None, "max_references": 0})
    assembled = _pipeline(bare, pipeline_class, dtype, quantised, single)
    return assembled._replace(notes=(told, *assembled.notes))


def scheduler_like(scheduler: Any, settings: Mapping[str, Any]) -> Any:
    """Return a scheduler with other settings, and of another class where ``_class_name`` says one."""
    import diffusers

    made_by: Any = getattr(diffusers, str(settings.get("_class_name", "")), type(scheduler))
    return made_by.from_config(scheduler.config, **{key: v for key, v in settings.items() if key != "_class_name"})


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
