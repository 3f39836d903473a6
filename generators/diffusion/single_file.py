"""Checkpoints in one file, as people have them: ``file:PATH``, or ``file:PATH@PRESET`` where the family is told.

A file holds a whole model of the UNet families (SD 1.5, SDXL), which then needs nothing else, or a denoiser alone
(FLUX and later ones, GGUF), whose text encoders and VAE come from the model that the preset names.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from imagerag.errors import UserError, first_line
from imagerag.extras import need
from imagerag.generators.diffusion.file_configs import CONFIGS, write_configs
from imagerag.generators.diffusion.presets import Preset, load_presets

WORDS = "text"
"""In place of a preset's name: the family that the file is of, without references."""
ENDINGS = (".safetensors", ".gguf")
LDM = "model.diffusion_model."
"""Before the names of a denoiser's weights, in files that hold more than it."""
VAE, TEXT = ("first_stage_model.", "vae."), ("cond_stage_model.", "conditioner.", "text_encoders.")
FP8 = frozenset({"F8_E4M3", "F8_E5M2"})
"""As safetensors calls them."""


class Tensor(NamedTuple):
    """What a file's header says of one tensor; what tells families apart asks for no more."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class SingleFile:
    """What a file holds.

    Attributes:
        path: where it is.
        kind: as diffusers calls it, ``v1`` or ``flux-dev``; empty where it isn't known.
        repository: of the model that it is a kind of; empty where it isn't known.
        has_unet: or else a transformer.
        is_whole: text encoders and VAE are in it.
        is_fp8: most weights are in 8 bits, by type and not by a scale of their own.
        is_v_prediction, has_zero_snr: how SDXL was trained on, which such files say by a key (ComfyUI's convention).
    """

    path: Path
    kind: str
    repository: str
    has_unet: bool
    is_whole: bool
    is_fp8: bool
    is_v_prediction: bool = False
    has_zero_snr: bool = False

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
        with self.path.open("rb") as content:
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
    tensors = _tensors(path)
    if any(name.endswith((".scale_weight", ".weight_scale")) or name == "scaled_fp8" for name in tensors):
        raise UserError(
            f"file {str(path)!r} has 8-bit weights with scales of their own, which diffusers doesn't read; take the "
            "model in plain fp8, in 16 bits, or as GGUF"
        )
    kind, repository = _kind(tensors)
    eighths = sum(tensor.dtype in FP8 for tensor in tensors.values())
    return SingleFile(
        path,
        kind,
        repository,
        has_unet=any(name.removeprefix(LDM).startswith(("input_blocks.", "down_blocks.")) for name in tensors),
        is_whole=all(any(name.startswith(each) for name in tensors) for each in (VAE, TEXT)),
        is_fp8=eighths > len(tensors) / 2,
        is_v_prediction="v_pred" in tensors,
        has_zero_snr="ztsnr" in tensors,
    )


def _tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".gguf":
        need("gguf", "diffusion", f"file {str(path)!r}")
        import gguf

        try:
            found = gguf.GGUFReader(path).tensors
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise _damaged(path, error) from error
        return {each.name: Tensor(tuple(int(n) for n in reversed(each.shape)), each.tensor_type.name) for each in found}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as content:
            slices = {name: content.get_slice(name) for name in content.keys()}  # noqa: SIM118 - it is no mapping
            return {name: Tensor(tuple(one.get_shape()), one.get_dtype()) for name, one in slices.items()}
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"file {str(path)!r} can't be read ({first_line(error)}); fetch it again")


def _kind(tensors: Mapping[str, Tensor]) -> tuple[str, str]:
    """Return diffusers' name of what a file is of, and the model that it takes its configuration from."""
    files: Any = importlib.import_module("diffusers.loaders.single_file_utils")
    kind: str = files.infer_diffusers_model_type(tensors)
    if kind == "v1" and files.CHECKPOINT_KEY_NAMES["v1"] not in tensors:  # its answer for all that it doesn't know
        return "", ""
    return kind, str(files.DIFFUSERS_DEFAULT_PIPELINE_PATHS[kind]["pretrained_model_name_or_path"])


def preset_of_file(name: str) -> Preset:
    """Return the preset of ``PATH`` or ``PATH@PRESET``: that of its family, with this file in it.

    Raises:
        UserError: it can't be read, or its family is not known or has no preset.
    """
    presets = load_presets()
    path, at, family = name.rpartition("@")
    if not at or family not in (*presets, WORDS) or os.path.exists(os.path.expanduser(name)):
        path, family = name, ""
    file = examine(Path(os.path.expanduser(path)))
    known = {preset.model: preset for preset in reversed(presets.values())}
    preset = presets.get(family) or known.get(file.repository)
    if preset is None:
        what = f"is of {file.repository!r}, which no preset is of" if file.repository else "is of no family known here"
        raise UserError(
            f"file {path!r} {what}; name what it is like: --generator file:{path}@PRESET, with one of: "
            f"{', '.join(presets)}"
        )
    changes: dict[str, Any] = {"name": f"file:{file.path.name}{at and family and f'@{family}'}", "file": str(file.path)}
    if family == WORDS:
        changes |= {"family": "text", "adapter": None, "max_references": 0}
    return preset.model_copy(update={**changes, "licence": "unknown"})


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
