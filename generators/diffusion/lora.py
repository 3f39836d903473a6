"""LoRA weights on a loaded pipeline: found, checked, applied, or one line that says why not."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imagerag.errors import UserError, first_line
from imagerag.extras import need
from imagerag.lora import ENDING, AppliedLora, LoraName
from imagerag.model_hub import http_error, hub_cache, may_be_repository, not_fetched

SHOWN = 5
"""Files of a repository that a message lists."""


def apply_loras(pipeline: Any, names: Sequence[str], model: str) -> tuple[AppliedLora, ...]:
    """Load LoRA weights beside the pipeline's own, each at its weight.

    Args:
        pipeline: of diffusers, whose weights are not placed yet.
        names: see ``LoraName``.
        model: the pipeline's, for messages.

    Raises:
        UserError: a library is lacking; one isn't here and can't be fetched; it is no safetensors, or doesn't fit.
    """
    if not names:
        return ()
    if not hasattr(pipeline, "load_lora_weights"):
        raise UserError(f"{model!r} takes no LoRA ({type(pipeline).__name__} of diffusers); leave --lora out")
    need("peft", "diffusion", f"--lora {names[0]!r}")
    applied: list[AppliedLora] = []
    adapters: list[str] = []
    for number, asked in enumerate(map(LoraName.parse, names)):
        file = lora_file(asked.where)
        adapters.append(f"lora_{number}")
        _load(pipeline, file, adapters[-1], asked.where, model)
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        name = file.name if os.path.exists(os.path.expanduser(asked.where)) else asked.where
        applied.append(AppliedLora(name, digest, asked.weight))
    pipeline.set_adapters(adapters, [each.weight for each in applied])
    return tuple(applied)


def _load(pipeline: Any, file: Path, adapter: str, where: str, model: str) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as content:
            keys = list(content.keys())
    except (OSError, SafetensorError) as error:
        raise UserError(f"lora {where!r} can't be read ({first_line(error)}); fetch it again") from error
    why = f"{len(keys)} weights, none of which it has a place for"
    try:
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=adapter, use_safetensors=True)
    except (ValueError, RuntimeError, KeyError, TypeError, AttributeError, IndexError, NotImplementedError) as error:
        why = first_line(error)
    else:
        if any(adapter in each for each in pipeline.get_list_adapters().values()):
            return
    raise UserError(
        f"lora {where!r} does not fit {model!r} ({why}); name the --generator that it was trained for, or leave it out"
    )


def lora_file(where: str) -> Path:
    """Return the file of LoRA weights, fetched if need be.

    Args:
        where: a file, ``OWNER/NAME``, or ``OWNER/NAME/FILE``.

    Raises:
        UserError: it isn't there, can't be fetched, is no safetensors, or a repository has several to choose from.
    """
    local = Path(os.path.expanduser(where))
    if os.path.isfile(local):
        if local.suffix != ENDING:
            raise UserError(
                f"lora {where!r} is no {ENDING} file, and others can run any code; convert it, or leave it out"
            )
        return local
    parts = where.split("/")
    repository, name = "/".join(parts[:2]), "/".join(parts[2:])
    if len(parts) < 2 or local.is_absolute() or not may_be_repository(repository):
        raise UserError(
            f"lora {where!r} is no file here; give --lora FILE{ENDING}, OWNER/NAME or OWNER/NAME/FILE{ENDING}"
        )
    name = name or _only_file(repository)
    if not name.endswith(ENDING):
        raise UserError(f"lora {where!r} is no {ENDING} file, and others can run any code; name one that is")
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(repository, name))
    except (OSError, ValueError, http_error()) as error:
        raise not_fetched(f"{repository} ({name})", error) from error


def _only_file(repository: str) -> str:
    """Return the name of the one file of weights in a repository; what is in the cache is asked first."""
    cached = hub_cache() / f"models--{repository.replace('/', '--')}" / "snapshots"
    names = {
        file.relative_to(snapshot).as_posix() for snapshot in cached.glob("*") for file in snapshot.rglob(f"*{ENDING}")
    }
    if len(names) != 1:
        from huggingface_hub import list_repo_files

        try:
            names = {name for name in list_repo_files(repository) if name.endswith(ENDING)}
        except (OSError, ValueError, http_error()) as error:
            raise not_fetched(repository, error) from error
    if len(names) == 1:
        return names.pop()
    some = ", ".join(f"{repository}/{name}" for name in sorted(names)[:SHOWN])
    raise UserError(
        f"lora {repository!r} has {len(names)} {ENDING} files"
        + (f"; give --lora one of them: {some}" if names else ", and others can run any code; name another")
    )
