"""What is known of each model, as data: ``presets.toml`` beside this file, and a file of the person's own."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from imagerag.errors import UserError
from imagerag.model_files import snapshot, table_of
from imagerag.table_faults import fault_in, meant, ring_of
from imagerag.told_text import told_value
from imagerag.toml_files import read_toml

PRESETS = "IMAGERAG_PRESETS"
"""The variable that names a person's own file."""

FamilyName = Literal["ip-adapter", "in-context", "edit", "text"]


class Adapter(BaseModel):
    """An IP-Adapter (Ye et al. 2023) and the image encoder that it was trained with.

    Attributes:
        model, subfolder, file, revision: where its weights are: a Hugging Face id or a folder, and below it.
        encoder, encoder_subfolder, encoder_revision: where the image encoder is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str
    file: str
    subfolder: str = ""
    revision: str | None = None
    encoder: str
    encoder_subfolder: str = ""
    encoder_revision: str | None = None


class Preset(BaseModel):
    """How one model is loaded and asked.

    Attributes:
        name: by which ``--generator`` finds it.
        model: Hugging Face id, or a folder.
        pipeline: the class of diffusers that draws it, where that is known before it is loaded; else empty.
        file: a checkpoint in one file, whose weights are taken in place of the model's own.
        family: how references go in; a key of ``imagerag.generators.diffusion.families.FAMILIES``.
        steps: denoising steps.
        guidance: classifier-free guidance scale, as the pipeline's own parameter counts it.
        negative_prompt: what to keep out; empty for models that take none. Qwen-Image compares with nothing unless it
            has one, if only a space.
        width, height: pixels; the size the model was trained for.
        sigmas: the noise at the beginning of each step, where the pipeline's own schedule isn't the model's.
        scheduler: what its scheduler has to be like where the repository's isn't; ``_class_name`` names another class.
        max_references: how many reference images one drawing takes; 0 for ``text``.
        prompt_tokens: of the prompt that the model was trained to read, where its pipeline would send more.
        adapter: for ``ip-adapter``.
        taught_guidance: guidance is an input that the denoiser was taught: one pass a step, where contrast takes two.
        true_cfg: guidance is by contrast with the negative prompt, though the class has another that is an input of the
            denoiser (FLUX.1 with its distillation trained out).
        llama: repository or folder of the Llama that HiDream-I1 reads prompts with, where its own doesn't have it.
        revision, variant: of the weights, as ``from_pretrained`` takes them.
        allow_pickle: load weights that are not safetensors; they can run any code, so only the person can say so.
        weights: parameters of each part, in billions; what memory is computed from before anything is loaded.
        licence: of the weights.
        source: addresses where this was looked up.
        unchecked: what no source could be had for, or what could be seen only in copies of the repository.
        recipe: why a model without a preset of its own is asked like this; empty for a preset.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    model: str
    pipeline: str = ""
    file: str = ""
    family: FamilyName
    steps: int = Field(30, ge=1, le=1000)
    guidance: float = Field(5.0, ge=0)
    negative_prompt: str = ""
    width: int = Field(1024, ge=16, multiple_of=8)
    height: int = Field(1024, ge=16, multiple_of=8)
    sigmas: tuple[float, ...] = ()
    scheduler: dict[str, Any] = {}
    max_references: int = Field(0, ge=0)
    prompt_tokens: int | None = Field(default=None, ge=1)
    taught_guidance: bool = False
    true_cfg: bool = False
    llama: str = ""
    adapter: Adapter | None = None
    revision: str | None = None
    variant: str | None = None
    allow_pickle: bool = False
    weights: dict[str, float] = {}
    licence: str = "unknown"
    source: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    recipe: str = ""

    def gigabytes(self, bytes_each: float = 2.0) -> float | None:
        """Return the size of all weights in 10^9 bytes, at so many bytes per parameter; ``None`` if it isn't known."""
        return sum(self.weights.values()) * bytes_each or None


KEYS = ("like", *(name for name in Preset.model_fields if name not in ("name", "recipe")))
"""What a table of a preset may have."""


def load_presets(environ: Mapping[str, str] | None = None) -> dict[str, Preset]:
    """Return all presets by name, the person's own over those that come with imagerag.

    Raises:
        UserError: the person's file can't be read, or says what no preset can; names the file, the table and the value.
    """
    environ = os.environ if environ is None else environ
    return {**_bundled(), **(_of_file(Path(environ[PRESETS])) if environ.get(PRESETS) else {})}


@lru_cache(maxsize=1)
def _bundled() -> dict[str, Preset]:
    file = Path(__file__).with_name("presets.toml")
    return _presets(tomllib.loads(file.read_text(encoding="utf-8")), {}, str(file))


def _of_file(file: Path) -> dict[str, Preset]:
    try:
        tables = read_toml(os.path.expanduser(file))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"presets file {str(file)!r} can't be read ({error}); mend it or unset {PRESETS}") from error
    return _presets(tables, {name: preset.model_dump() for name, preset in _bundled().items()}, str(file))


def _presets(tables: dict[str, Any], known: dict[str, dict[str, Any]], file: str) -> dict[str, Preset]:
    presets: dict[str, Preset] = {}
    before = frozenset(known)
    for name, table in tables.items():
        if not isinstance(table, dict) or ":" in name:
            raise UserError(f"{name!r} in presets file {file!r} is no table of a preset; see docs/models.md")
        if ring := ring_of(name, tables, before):
            raise UserError(
                f"presets in {file!r} are like each other in a ring: {ring}; let one be like another preset"
            )
        model = table.pop("like", None)
        if model is not None and (not isinstance(model, str) or model not in known):
            raise UserError(
                f"preset {name!r} in {file!r} is like {told_value(model)}, which is not known; known are: "
                f"{', '.join(known)}"
            )
        if taken := next((key for key in table if key not in KEYS and key in Preset.model_fields), None):
            raise UserError(f"preset {name!r} in {file!r}: {taken!r} is no key ({meant(taken, KEYS)})")
        base = dict(known.get(model or "", {})) | {"source": (), "unchecked": ()}
        if "model" in table:  # other weights come in other files; what it is like is of the same class
            base |= {"revision": None, "variant": None, "file": ""}
        if table.get("family", base.get("family")) != "ip-adapter":
            base["adapter"] = None
        try:
            preset = Preset(**{**base, **table, "name": name})
        except ValidationError as error:
            raise UserError(f"preset {name!r} in {file!r}: {fault_in(error, Preset, KEYS)}") from error
        found = {"pipeline": preset.pipeline or _class_here(preset.model), "file": os.path.expanduser(preset.file)}
        preset = preset.model_copy(update=found)
        _check(preset, file)
        presets[name] = preset
        known[name] = preset.model_dump()
    return presets


def _class_here(model: str) -> str:
    """Return the pipeline's class by what lies on this machine of a model; empty if that doesn't tell."""
    folder = Path(os.path.expanduser(model))
    there = folder if folder.is_dir() else snapshot(model, None)
    return "" if there is None else str(table_of(there / "model_index.json").get("_class_name", ""))


def _check(preset: Preset, file: str) -> None:
    takes = preset.family != "text"
    if takes != (preset.max_references > 0):
        wanted = "1 or more" if takes else "0"
        raise UserError(
            f"preset {preset.name!r} in {file!r}: max_references {preset.max_references} must be {wanted} for family "
            f"{preset.family!r}"
        )
    if preset.family == "ip-adapter" and preset.adapter is None:
        raise UserError(f"preset {preset.name!r} in {file!r} lacks its [{preset.name}.adapter]; see docs/models.md")
