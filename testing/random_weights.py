"""Pipelines of the presets at their true size with random weights, built from the published configurations.

Memory, steps a second and what references cost depend on the shapes of the weights, not on their values; so they can be
measured on a card without downloading anything. The tokenizers are those of the tiny checkpoints of ``testing``: they
spell, but the encoders behind them have their true size and read as many tokens as a prompt of that length has at most.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from imagerag.generators.diffusion.families import FAMILIES
from imagerag.generators.diffusion.presets import Preset

FILE = Path(__file__).with_name("published_models.toml")
Table = Mapping[str, Any]


@lru_cache(maxsize=1)
def published() -> dict[str, dict[str, Any]]:
    """Return ``published_models.toml``: the tables of all parts, and which part each preset has where."""
    tables: dict[str, dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tables


def parts_of(preset: str) -> dict[str, Table]:
    """Return the tables of a preset's parts by their place in the pipeline.

    Raises:
        KeyError: no configuration is committed for it.
    """
    tables = published()
    model = tables["model"][preset]
    if "like" in model:
        return parts_of(model["like"])
    return {place: tables["part"][part] for place, part in model.items() if place != "config"}


def build_part(table: Table, special: Mapping[str, Any] | None = None) -> torch.nn.Module:
    """Return one part with the weights that its class starts from, on torch's default device and in its default dtype.

    Args:
        table: of ``published_models.toml``.
        special: numbers of special tokens that replace the published ones: those of the tokenizer in use.
    """
    settings = {name: value for name, value in table.items() if name not in ("source", "class")}
    rope = settings.get("rope_scaling")
    if isinstance(rope, dict):  # one factor per pair of channels, written as their number
        settings["rope_scaling"] = {
            name: [1.0] * value if name.endswith("_factor") and isinstance(value, int) else value
            for name, value in rope.items()
        }
    for name, value in (("latents_mean", 0.0), ("latents_std", 1.0)):
        if isinstance(settings.get(name), int):
            settings[name] = [value] * settings[name]
    module, _, name = table["class"].rpartition(".")
    made: Any = getattr(importlib.import_module(module), name)
    if made.__module__.startswith("diffusers.models."):
        part: torch.nn.Module = made(**settings)
    else:
        part = made(made.config_class(**{**settings, **(special or {})}))
    return part.eval().requires_grad_(False)


def count(preset: str) -> dict[str, float]:
    """Return how many numbers each part of a preset stores, in billions, without making any of them."""
    with torch.device("meta"):
        modules = {place: build_part(table) for place, table in parts_of(preset).items()}
    return {place: _numbers(module) / 1e9 for place, module in modules.items()}


def _numbers(module: torch.nn.Module) -> int:
    """Of parameters that are tied, as those of input and output words, a file stores one."""
    seen = {id(tensor): tensor.numel() for tensor in module.parameters()}
    buffers = {name: tensor for name, tensor in module.state_dict().items() if tensor.is_floating_point()}
    parameters = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    others: int = sum(tensor.numel() for name, tensor in buffers.items() if name not in parameters)
    return sum(seen.values()) + others


@contextmanager
def _making(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            yield
    finally:
        torch.set_default_dtype(before)


def random_pipeline(
    preset: Preset, tiny: Path, folder: Path, device: torch.device, dtype: torch.dtype
) -> tuple[Any, Preset]:
    """Return a preset's pipeline at its true size, on the CPU, and the preset that asks it.

    Args:
        preset: one of those in ``published_models.toml``.
        tiny: a tiny checkpoint of the same pipeline class; its tokenizers, processors and scheduler are used.
        folder: for the files of the adapter, if there is one.
        device: which makes the weights, part by part, since a GPU makes random numbers a hundred times as fast.
        dtype: of the weights.
    """
    from diffusers import DiffusionPipeline

    untyped: Any = DiffusionPipeline
    pattern = untyped.from_pretrained(str(tiny), use_safetensors=True)
    parts: dict[str, torch.nn.Module] = {}
    torch.manual_seed(0)
    for place, table in parts_of(preset.name).items():
        if place in ("image_encoder",):
            continue
        with _making(device, dtype):
            part = build_part(table, _special(getattr(pattern, place, None)))
        parts[place] = part.to("cpu", dtype)
    more: dict[str, Any] = dict(published()["model"][preset.name].get("config", {}))
    if "safety_checker" in parts:
        more["requires_safety_checker"] = True
    if preset.adapter is not None:
        preset = _with_adapter(preset, parts, folder, dtype)
        family: Any = FAMILIES[preset.family]
        parts |= family.components(preset, type(pattern).__name__, use_safetensors=True, dtype=dtype)
    pipeline = type(pattern)(**{**pattern.components, **parts, **more})
    pipeline.set_progress_bar_config(disable=True)
    return pipeline, preset


def _special(part: Any) -> dict[str, Any]:
    """Return the numbers of special tokens that a tiny checkpoint's part knows."""
    config: Any = getattr(part, "config", None)
    known = config.to_dict() if hasattr(config, "to_dict") else {}
    return {name: value for name, value in known.items() if name.endswith("_token_id") and isinstance(value, int)}


def _with_adapter(preset: Preset, parts: Mapping[str, Any], folder: Path, dtype: torch.dtype) -> Preset:
    """Save an adapter for the parts, with random weights and its image encoder, and return the preset that loads it."""
    from testing import tiny_families, tiny_models

    adapter = preset.adapter
    assert adapter is not None
    torch.manual_seed(1)
    with _making(torch.device("cpu"), dtype):
        encoder = build_part(parts_of(preset.name)["image_encoder"])
        if preset.model.startswith("stabilityai/stable-diffusion-3"):
            config = parts["transformer"].config
            inner = config.num_attention_heads * config.attention_head_dim
            file = tiny_families.save_sd3_adapter(
                folder, config.num_layers, inner, encoder, tokens=64, wide=1280, head=config.attention_head_dim
            ) / "ip-adapter.safetensors"  # fmt: skip
        elif "transformer" in parts:
            config = parts["transformer"].config
            inner = config.num_attention_heads * config.attention_head_dim
            tiny_families.save_flux_adapter(
                folder, 4, encoder, config.joint_attention_dim, inner, config.num_layers
            )  # fmt: skip
            file = folder / "ip_adapter.safetensors"
        else:
            plus = "plus" in adapter.file
            # The resampler is as wide as the prompt's tokens (1280 in SDXL's), in heads of 64.
            width = min(parts["unet"].config.cross_attention_dim, 1280)
            file = tiny_models.save_adapter(
                folder, parts["unet"], plus, encoder, tokens=16 if plus else 4, inner=width, heads=max(width // 64, 1)
            )
    where = {"model": str(folder), "subfolder": "", "file": file.name, "revision": None}
    changed = adapter.model_copy(update={**where, "encoder": str(folder), "encoder_subfolder": "image_encoder"})
    return preset.model_copy(update={"adapter": changed})
