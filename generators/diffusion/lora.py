"""LoRA weights on a loaded pipeline: found, checked, applied, or one line that says why not."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imagerag.errors import UserError, first_line
from imagerag.extras import need
from imagerag.lora import ENDING, AppliedLora, LoraName
from imagerag.model_hub import http_error, hub_cache, may_be_repository, not_fetched
from imagerag.regular_files import open_regular

SHOWN = 5
"""Files of a repository that a message lists."""

SPEAKING = ("diffusers.loaders", "diffusers.utils.peft_utils")
"""Loggers of diffusers that tell which weights of a LoRA have no place in a model."""
HARMLESS = "No LoRA keys associated to"
"""A warning of theirs that most LoRA weights get: they are for the denoiser alone."""
TOLD = 240
"""Characters of a warning, which may list thousands of weights."""


def apply_loras(pipeline: Any, names: Sequence[str], model: str) -> tuple[tuple[AppliedLora, ...], tuple[str, ...]]:
    """Load LoRA weights beside the pipeline's own, each at its weight; return them, and what the person should be told.

    Args:
        pipeline: of diffusers, whose weights are not placed yet.
        names: see ``LoraName``.
        model: the pipeline's, for messages.

    Raises:
        UserError: a library is lacking; one isn't here and can't be fetched; it is no safetensors, or doesn't fit.
    """
    if not names:
        return (), ()
    applied: list[AppliedLora] = []
    adapters: list[str] = []
    notes: list[str] = []
    for number, (asked, file) in enumerate(found_loras(type(pipeline), names, model)):
        adapters.append(f"lora_{number}")
        notes += _load(pipeline, file, adapters[-1], asked.where, model)
        with open_regular(file) as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        name = file.name if os.path.exists(os.path.expanduser(asked.where)) else asked.where
        applied.append(AppliedLora(name, digest, asked.weight))
    pipeline.set_adapters(adapters, [each.weight for each in applied])
    return tuple(applied), tuple(notes)


def found_loras(pipeline_class: Any, names: Sequence[str], model: str) -> list[tuple[LoraName, Path]]:
    """Return LoRA weights with their files, fetched if need be: all that can be checked before a model is loaded.

    Args:
        pipeline_class: of diffusers.
        names: see ``LoraName``.
        model: the pipeline's, for messages.

    Raises:
        UserError: the class takes none, a library is lacking, or a file can't be had; see ``lora_file``.
    """
    if names and not hasattr(pipeline_class, "load_lora_weights"):
        raise UserError(f"{model!r} takes no LoRA ({pipeline_class.__name__} of diffusers); leave --lora out")
    if names:
        need("peft", "diffusion", f"--lora {names[0]!r}")
    return [(asked, lora_file(asked.where)) for asked in map(LoraName.parse, names)]


def _load(pipeline: Any, file: Path, adapter: str, where: str, model: str) -> list[str]:
    """Load one file of weights, and return what the person should be told of it."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as content:
            keys = list(content.keys())
    except (OSError, SafetensorError) as error:
        raise UserError(f"lora {where!r} can't be read ({first_line(error)}); fetch it again") from error
    why = f"{len(keys)} weights, none of which it has a place for"
    with _warnings() as warned, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Already found a `peft_config`")  # of the second LoRA, which is meant
        try:
            pipeline.load_lora_weights(
                str(file.parent), weight_name=file.name, adapter_name=adapter, use_safetensors=True
            )
        except (
            ValueError,
            RuntimeError,
            KeyError,
            TypeError,
            AttributeError,
            IndexError,
            NotImplementedError,
        ) as error:
            mismatch = "weights of other shapes" if "size mismatch" in str(error) else ""
            lacks = f"it lacks {error.args[0]!r}" if isinstance(error, KeyError) and error.args else ""
            why = mismatch or _other_form(keys) or lacks or first_line(error).rstrip(": ")
        else:
            if any(adapter in each for each in pipeline.get_list_adapters().values()):
                _check_weights(pipeline, adapter, where)
                told = [*warned, *_without_place(pipeline, file)]
                return [f"lora {where!r} does not fit {model!r} in full: {_shortened(said)}" for said in told]
    raise UserError(
        f"lora {where!r} does not fit {model!r} ({why}); name the --generator that it was trained for, or leave it out"
    )


def _check_weights(pipeline: Any, adapter: str, where: str) -> None:
    """Refuse weights of which some are missing, which diffusers leaves without values, or are no numbers.

    Raises:
        UserError: there are such.
    """
    parts = [getattr(pipeline, name, None) for name in pipeline._lora_loadable_modules]
    mine = re.compile(rf"\.{re.escape(adapter)}(?:\.|$)")
    weights = [pair for part in parts if part is not None for pair in part.named_parameters() if mine.search(pair[0])]
    if lacking := [name for name, weight in weights if weight.is_meta]:
        name = mine.sub(".", lacking[0]).rstrip(".")
        raise UserError(
            f"lora {where!r} lacks {len(lacking)} of its {len(weights)} weights, such as that for {name!r}; "
            "fetch it again"
        )
    if any(not bool(weight.isfinite().all()) for _, weight in weights):
        raise UserError(
            f"lora {where!r} has weights that are no numbers (NaN or infinite); fetch it again, or leave it out"
        )


OTHER_FORMS = {"LoKr": ".lokr_", "LoHa": ".hada_", "(IA)^3": ".on_input", "of full differences": ".diff"}
"""Forms of LyCORIS besides low-rank ones, each by what is found in the names of its weights."""


def _other_form(keys: Sequence[str]) -> str:
    """Return in words which form weights have that diffusers reads for few models; empty if they are low-rank."""
    found = [form for form, mark in OTHER_FORMS.items() if any(mark in key for key in keys)]
    return f"weights of the form {' and '.join(found)}, which diffusers doesn't read for this model" if found else ""


def _without_place(pipeline: Any, file: Path) -> list[str]:
    """Return what to tell of weights for parts that a pipeline doesn't have, which diffusers leaves out in silence.

    Each key begins with its part's name, once the forms of other programs are converted (``lora_state_dict``).
    """
    found = pipeline.lora_state_dict(str(file.parent), weight_name=file.name, use_safetensors=True)
    keys = list(found[0] if isinstance(found, tuple) else found)
    parts = [name for name in pipeline._lora_loadable_modules if getattr(pipeline, name, None) is not None]
    lacking = Counter(key.partition(".")[0] for key in keys if key.partition(".")[0] not in parts)
    if not lacking:
        return []
    some = ", ".join(f"{count} for {name!r}" for name, count in lacking.most_common(SHOWN))
    more = f" and {len(lacking) - SHOWN} more such parts" if len(lacking) > SHOWN else ""
    return [f"of {len(keys)} weights it has no place for {lacking.total()}, which are left out: {some}{more}"]


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Yield what diffusers warns of while LoRA weights are loaded: weights left out, which it tells in no other way.

    Its loggers are silenced everywhere else (``silence_libraries``), and of its errors the exception says enough.
    """
    warned: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: _note(record, warned)  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in SPEAKING]
    before = [(each.level, each.propagate) for each in loggers]
    for each in loggers:
        each.setLevel(logging.WARNING)
        each.propagate = False
        each.addHandler(handler)
    try:
        yield warned
    finally:
        for each, (level, propagate) in zip(loggers, before, strict=True):
            each.setLevel(level)
            each.propagate = propagate
            each.removeHandler(handler)


def _note(record: logging.LogRecord, warned: list[str]) -> None:
    said = record.getMessage()
    if record.levelno == logging.WARNING and not said.startswith(HARMLESS):
        warned.append(" ".join(said.split()))


def _shortened(said: str) -> str:
    return said if len(said) <= TOLD else f"{said[:TOLD]} ..."


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
    mistyped = where.endswith(ENDING) and local.parent.is_dir()  # its folder is here, so that no repository is meant
    if len(parts) < 2 or local.is_absolute() or mistyped or not may_be_repository(repository):
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
        raise not_fetched(f"{repository} ({name})", error, patterns=[name]) from error


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
            raise not_fetched(repository, error, patterns=[f"*{ENDING}"]) from error
    if len(names) == 1:
        return names.pop()
    some = ", ".join(f"{repository}/{name}" for name in sorted(names)[:SHOWN])
    raise UserError(
        f"lora {repository!r} has {len(names)} {ENDING} files"
        + (f"; give --lora one of them: {some}" if names else ", and others can run any code; name another")
    )
