"""Which repositories or folders a preset is loaded from, which files of theirs, and whether all of them are here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imagerag.generators.diffusion.presets import Preset
from imagerag.model_files import Files, ModelFiles, NamedFiles, PipelineFiles, snapshot

LLAMA_PARTS = ("tokenizer_4", "text_encoder_4")
"""What a pipeline calls its Llama (``imagerag.generators.diffusion.llama_encoder``)."""

SINGLE = 4
"""Bytes of a parameter in single precision."""


@dataclass(frozen=True)
class PresetPart:
    """Files of one repository or folder.

    Attributes:
        role: of the part beside the pipeline, as in ``image encoder``; empty for the pipeline itself.
        where: the repository's id, or a folder.
        files: which of its files.
        revision: of the repository.
        parameters: of its weights, in billions; 0 if that isn't known.
        bytes_each: of a parameter, as it is published.
    """

    role: str
    where: str
    files: Files
    revision: str | None
    parameters: float
    bytes_each: int = 2

    @property
    def is_here(self) -> bool:
        """Whether all of it lies in the folder, or in the hub's cache."""
        folder = Path(self.where) if Path(self.where).is_dir() else snapshot(self.where, self.revision)
        return folder is not None and not self.files.lacking(folder)


def parts_of(preset: Preset) -> Iterator[PresetPart]:
    """Yield what a preset is loaded from: its pipeline, and what it lacks of Llama, image encoder and IP-Adapter."""
    adapter = preset.adapter
    apart: tuple[str, ...] = ("image_encoder", "feature_extractor") if adapter is not None else ()
    apart += LLAMA_PARTS if preset.llama else ()
    sizes = {name: size for name, size in preset.weights.items() if name not in ("adapter", *apart)}
    files = PipelineFiles(preset.variant, apart, tuple(sizes), preset.allow_pickle)
    # Models of the UNet are published in single precision, and in half as a variant; later ones in half alone.
    each = SINGLE if "unet" in sizes and preset.variant is None else 2
    yield PresetPart("", preset.model, files, preset.revision, sum(sizes.values()), each)
    if preset.llama:
        size = preset.weights.get(LLAMA_PARTS[1], 0.0)
        yield PresetPart("Llama encoder", preset.llama, ModelFiles(texts=True), None, size)
    if adapter is None:
        return
    encoder, size = ModelFiles(adapter.encoder_subfolder), preset.weights.get("image_encoder", 0.0)
    yield PresetPart("image encoder", adapter.encoder, encoder, adapter.encoder_revision, size, SINGLE)
    file = f"{adapter.subfolder}/{adapter.file}" if adapter.subfolder else adapter.file
    size = preset.weights.get("adapter", 0.0)
    yield PresetPart("IP-Adapter", adapter.model, NamedFiles(((file,),)), adapter.revision, size)


def is_here(preset: Preset) -> bool:
    """Tell whether a preset can be loaded without downloading anything."""
    return all(part.is_here for part in parts_of(preset))
