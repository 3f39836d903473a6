"""Checkpoints in one file, as people have them: ``file:PATH``, or ``file:PATH@PRESET`` where the family is told.

A file holds a whole model of the UNet families (SD 1.5, SDXL), which then needs nothing else, or a denoiser alone
(FLUX and later ones, GGUF), whose text encoders and VAE come from the model that the preset names.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from imagerag.errors import UserError, first_line
from imagerag.extras import need
from imagerag.generators.diffusion.file_configs import CONFIGS, write_configs
from imagerag.generators.diffusion.file_families import LDM, FileFamily, Tensor, classes_of, recognised
from imagerag.generators.diffusion.other_models import refused
from imagerag.generators.diffusion.pipeline_classes import by_its_defaults
from imagerag.generators.diffusion.presets import Preset, load_presets
from imagerag.generators.diffusion.recipes import FEW_BY_NAME, Published, recipe_of, rules
from imagerag.regular_files import open_regular

WORDS = "text"
"""In place of a preset's name: the family that the file is of, without references."""
ENDINGS = (".safetensors", ".gguf")
VAE, TEXT = ("first_stage_model.", "vae."), ("cond_stage_model.", "conditioner.", "text_encoders.")
FP8 = frozenset({"F8_E4M3", "F8_E5M2"})
"""As safetensors calls them."""


TELLING = re.compile(
    FEW_BY_NAME.pattern + r"|\d+[-_ ]?steps?|kontext|krea|edit|base|(?<![a-z])kv(?![a-z])|2509|2511|2512|playground"
)
"""Words that tell apart models whose weights look alike."""
NOISE_SAID = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
NOISE_SPREAD = 0.09
"""Weights of Stable Diffusion 2 by which ComfyUI tells what it was trained to predict, and the standard deviation above
which that is velocity (``comfy/supported_models.py``, ``SD20.model_type``)."""


@dataclass(frozen=True)
class SingleFile:
    """What a file holds.

    Attributes:
        path: where it is.
        family: what it is of, by its weights, metadata and name.
        words: about it in lower case: of its metadata if those tell anything, else its name.
        where_named: where these words stand.
        has_unet: or else a transformer.
        is_whole: text encoders and VAE are in it.
        is_fp8: most weights are in 8 bits, by type and not by a scale of their own.
        is_v_prediction, has_zero_snr: how SDXL was trained on, which such files say by a key (ComfyUI's convention).
    """

    path: Path
    family: FileFamily
    words: str
    where_named: str
    has_unet: bool
    is_whole: bool
    is_fp8: bool
    is_v_prediction: bool = False
    has_zero_snr: bool = False

    @property
    def kind(self) -> str:
        """What diffusers calls it, ``v1`` or ``flux-dev``; empty where it isn't known."""
        return self.family.kind

    @property
    def is_gguf(self) -> bool:
        """Whether it is quantised in llama.cpp's format."""
        return self.path.suffix == ".gguf"

    @property
    def denoiser(self) -> str:
        """The name of the part of a pipeline that draws."""
        return "unet" if self.has_unet else "transformer"

    def sha256(self) -> str:
        """Return the hash of all of it, 64 hex digits; of large files that takes seconds."""
        with open_regular(self.path) as content:
            return hashlib.file_digest(content, "sha256").hexdigest()


def examine(path: Path) -> SingleFile:
    """Return what a file holds, by its header alone.

    Raises:
        UserError: no such file, not of these formats, damaged, or quantised in a way that diffusers doesn't read.
    """
    if path.suffix not in ENDINGS:
        raise UserError(
            f"file {str(path)!r} is none of {', '.join(ENDINGS)}, and others can run any code; convert it"
            + ("" if not path.is_dir() else f"; for a folder: --generator diffusers:{path}")
        )
    if not path.is_file():
        raise UserError(f"file {str(path)!r} is not there; check the path of --generator file:PATH")
    tensors, metadata = _header(path)
    if any(name.endswith((".scale_weight", ".weight_scale")) or name == "scaled_fp8" for name in tensors):
        raise UserError(
            f"file {str(path)!r} has 8-bit weights with scales of their own, which diffusers doesn't read; take the "
            "model in plain fp8, in 16 bits, or as GGUF"
        )
    words, where = (metadata, "its metadata") if TELLING.search(metadata) else (path.stem.lower(), "its name")
    family = recognised(tensors, {where: words})
    if family.kind == "v2":
        family = replace(family, denoiser={**family.denoiser, "predicts": _prediction(path, tensors)})
    eighths = sum(tensor.dtype in FP8 for tensor in tensors.values())
    return SingleFile(
        path,
        family,
        words,
        where,
        has_unet=any(name.removeprefix(LDM).startswith(("input_blocks.", "down_blocks.")) for name in tensors),
        is_whole=all(any(name.startswith(each) for name in tensors) for each in (VAE, TEXT)),
        is_fp8=eighths > len(tensors) / 2,
        is_v_prediction="v_pred" in tensors,
        has_zero_snr="ztsnr" in tensors,
    )


def _prediction(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Return what a Stable Diffusion 2 was trained to predict: ``epsilon`` or ``v_prediction``."""
    if path.suffix == ".gguf" or NOISE_SAID not in tensors:
        return "v_prediction"  # as the model that its configuration is taken from
    from safetensors import safe_open

    with safe_open(path, "pt") as content:
        spread = content.get_tensor(NOISE_SAID).float().std(unbiased=False)
    return "v_prediction" if float(spread) > NOISE_SPREAD else "epsilon"


def _header(path: Path) -> tuple[dict[str, Tensor], str]:
    """Return what a file's header says of its tensors, and the words of its metadata in lower case."""
    if path.suffix == ".gguf":
        need("gguf", "diffusion", f"file {str(path)!r}")
        import gguf

        try:
            read = gguf.GGUFReader(path)
            fields = [read.fields[name] for name in ("general.name", "general.basename") if name in read.fields]
            words = " ".join(str(each.contents()) for each in fields)
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise _damaged(path, error) from error
        found = {
            each.name: Tensor(tuple(int(n) for n in reversed(each.shape)), each.tensor_type.name)
            for each in read.tensors
        }
        return found, words.lower()
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as content:
            slices = {name: content.get_slice(name) for name in content.keys()}  # noqa: SIM118 - it is no mapping
            told = content.metadata() or {}
            tensors = {name: Tensor(tuple(one.get_shape()), one.get_dtype()) for name, one in slices.items()}
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from error
    # The keys of Stability AI's model metadata standard (github.com/Stability-AI/ModelSpec).
    return tensors, " ".join(str(told.get(f"modelspec.{key}", "")) for key in ("architecture", "title")).strip().lower()


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"file {str(path)!r} can't be read ({first_line(error)}); fetch it again")


def preset_of_file(name: str) -> Preset:
    """Return the preset of ``PATH`` or ``PATH@PRESET``: that of its family, with this file in it and the reason told.

    Raises:
        UserError: it can't be read, is no model that draws, not what stands behind ``@``, or of no known family.
    """
    presets = load_presets()
    path, at, told = name.rpartition("@")
    if not at or told not in (*presets, WORDS) or os.path.exists(os.path.expanduser(name)):
        path, told = name, ""
    file = examine(Path(os.path.expanduser(path)))
    family = file.family
    if family.other is not None:
        raise refused(f"file:{path}", family.other, family.class_name, family.like)
    if family.kind in ("flux-dev", "flux-schnell") and family.denoiser.get("num_layers") == FEWER_BLOCKS:
        raise UserError(
            f"file {path!r} is of a FLUX.1 with {FEWER_BLOCKS} double blocks, whose configuration a file lacks; take "
            "it in diffusers' layout: --generator diffusers:OWNER/NAME"
        )
    preset = presets.get(told)
    if preset is None:
        preset = _by_itself(file, path, presets)
    else:
        _check_told(file, path, told)
        why = f", and {family.why}" if family.why else ""
        preset = preset.model_copy(update={"recipe": f"as {told}, which stands behind @{why}"})
    changes: dict[str, Any] = {"name": f"file:{file.path.name}{at and told and f'@{told}'}", "file": str(file.path)}
    if told == WORDS:
        changes |= {"family": "text", "adapter": None, "max_references": 0}
    return preset.model_copy(update={**changes, "licence": "unknown"})


FEWER_BLOCKS = 8
"""Double blocks of FLUX.1-lite and Flex.1, of 19."""


def _by_itself(file: SingleFile, path: str, presets: Mapping[str, Preset]) -> Preset:
    """Return the preset of a file by what it is, with the reason told."""
    family = file.family
    index = {"_class_name": family.class_name, file.denoiser: [], **family.index}
    published = Published(
        file.words.replace("/", " "),
        index,
        lambda part: family.denoiser if part == file.denoiser else {},
        is_file=True,
        where_named=file.where_named,
    )
    default = None
    if family.repository and family.class_name:
        import diffusers

        default = by_its_defaults(path, family.repository, getattr(diffusers, family.class_name))
    found = recipe_of(published, presets, default) if family.class_name else None
    if found is None:
        what = f" ({family.why})" if family.why else ""
        raise UserError(
            f"file {path!r} is of no family known here{what}; name what it is like: --generator file:{path}@PRESET, "
            f"with one of: {', '.join(presets)}"
        )
    if family.kind in OWN_CONFIGURATION:
        found = found.model_copy(update={"model": family.repository})
    return found.model_copy(update={"recipe": "; ".join((found.recipe, family.why, *family.guesses))})


OWN_CONFIGURATION = frozenset({"playground-v2-5"})
"""Kinds that are asked like a preset, and built like another model."""


def _check_told(file: SingleFile, path: str, told: str) -> None:
    """Refuse a preset of another family than the file's, where both are known."""
    wanted = {name for rule in rules() if rule.preset == told for name in rule.classes}
    found = classes_of(file.kind)
    if wanted and found and not wanted & found:
        raise UserError(
            f"file {path!r} is no {told!r}: {file.family.why}, which {' or '.join(sorted(found))} draws; leave @{told} "
            "out, or name one of that family"
        )


def class_name_of(file: SingleFile, preset: Preset) -> str:
    """Return the pipeline class of a file that needs no other; empty where the preset's model has to tell."""
    if _is_bundled(file, preset):
        return str(CONFIGS[file.kind]["model_index.json"]["_class_name"])
    return ""


def _is_bundled(file: SingleFile, preset: Preset) -> bool:
    return file.is_whole and file.kind in CONFIGS and not os.path.isdir(preset.model)


def load_file(file: SingleFile, preset: Preset, class_name: str, dtype: torch.dtype, components: dict[str, Any]) -> Any:
    """Return the pipeline that draws with a file's weights.

    Args:
        file: see ``examine``.
        preset: which model has what the file lacks.
        class_name: of the pipeline.
        dtype: that it computes in.
        components: parts to take in place of the pipeline's own.

    Raises:
        OSError, ValueError, KeyError, RuntimeError, ImportError: as diffusers does.
        UserError: the configuration of its family isn't here and can't be fetched.
    """
    if file.is_whole and file.has_unet:
        pipeline = _whole(file, preset, class_name, dtype, components)
    else:
        pipeline = _with_denoiser(file, preset, dtype, components)
    for name, part in pipeline.components.items():
        if isinstance(part, torch.nn.Module) and any(weight.is_meta for weight in part.parameters()):
            raise UserError(f"file {str(file.path)!r} lacks weights of the {name} of a {class_name}; take a whole one")
    if file.is_fp8:
        # Kept in 8 bits, and computed in what the device computes in: the point of such a file is its size.
        getattr(pipeline, file.denoiser).enable_layerwise_casting(
            storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype
        )
    if file.is_v_prediction:
        noise = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": file.has_zero_snr}
        pipeline.scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config, **noise)
    return pipeline


def _whole(file: SingleFile, preset: Preset, class_name: str, dtype: torch.dtype, components: dict[str, Any]) -> Any:
    import diffusers

    pipeline_class: Any = getattr(diffusers, class_name)
    if not _is_bundled(file, preset):
        return pipeline_class.from_single_file(str(file.path), config=preset.model, dtype=dtype, **components)
    with tempfile.TemporaryDirectory() as folder:
        write_configs(file.kind, Path(folder))
        return pipeline_class.from_single_file(str(file.path), config=folder, dtype=dtype, **components)


def _with_denoiser(file: SingleFile, preset: Preset, dtype: torch.dtype, components: dict[str, Any]) -> Any:
    # To a type checker, diffusers' own names are placeholders without methods.
    diffusers: Any = importlib.import_module("diffusers")

    index = diffusers.DiffusionPipeline.load_config(preset.model, revision=preset.revision)
    part_class: Any = getattr(diffusers, index[file.denoiser][1])
    how: dict[str, Any] = {"config": preset.model, "subfolder": file.denoiser, "dtype": dtype}
    if file.is_gguf:
        how["quantization_config"] = diffusers.GGUFQuantizationConfig(compute_dtype=dtype)
    parts = {file.denoiser: part_class.from_single_file(str(file.path), **how), **components}
    return diffusers.DiffusionPipeline.from_pretrained(
        preset.model, revision=preset.revision, dtype=dtype, use_safetensors=True, **parts
    )
