"""What a CLIP model is loaded from: repositories and folders, and which of their files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imagerag.embedders.clip import full_name
from imagerag.embedders.clip_names import open_clip_weights, tokenizer_of
from imagerag.model_files import Files, NamedFiles

PUBLISHED = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
"""Weights as open_clip 3 writes them (``push_to_hf_hub``), in the order in which it looks for them."""


@dataclass(frozen=True)
class ClipPart:
    """Files of one repository or folder.

    Attributes:
        role: ``weights`` or ``tokenizer``.
        where: the repository's id, or a folder.
        files: which of its files.
    """

    role: str
    where: str
    files: Files


def clip_parts(name: str) -> Iterator[ClipPart]:
    """Yield what a CLIP model is loaded from; nothing of the embedded one, a checkpoint in a file, or an unknown name.

    Args:
        name: as ``full_name`` takes it.

    Raises:
        UserError: the name is not understood, or open_clip is not installed.
    """
    rest = full_name(name).partition(":")[2]
    if rest.startswith("local-dir:"):
        yield ClipPart("weights", rest.partition(":")[2], NamedFiles((("open_clip_config.json",), PUBLISHED)))
        return
    if rest.startswith("hf-hub:"):
        files = NamedFiles((("open_clip_config.json",), PUBLISHED), texts=True)
        yield ClipPart("weights", rest.partition(":")[2], files)
        return
    architecture, _, tag = rest.partition("/")
    architecture = architecture.replace("/", "-")
    if Path(tag).is_file():
        return
    entry = open_clip_weights().get(architecture, {}).get(tag)
    if entry is None:
        return
    repository, _, file = entry.get("hf_hub", "").rpartition("/")
    tokenizer = tokenizer_of(architecture)
    if repository:
        file = file or PUBLISHED[1]
        safe = PUBLISHED[0] if file == PUBLISHED[1] else file[:-4] + ".safetensors"
        names = (safe, file) if file.endswith((".bin", ".pth")) else (file,)
        yield ClipPart("weights", repository, NamedFiles((names,), tokenizer == repository, tokenizer == repository))
    if tokenizer and tokenizer != repository:
        yield ClipPart("tokenizer", tokenizer, NamedFiles((("tokenizer_config.json",),), texts=True))
