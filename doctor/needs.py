"""What a run's models are loaded from: repositories and folders, and which of their files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from imagerag.embedders.clip_files import clip_parts
from imagerag.embedders.clip_names import check_clip_name
from imagerag.generators.diffusion.known import known_preset
from imagerag.generators.diffusion.preset_files import parts_of
from imagerag.generators.diffusion.presets import Preset
from imagerag.lora import ENDING, LoraName
from imagerag.model_files import Files, ModelFiles, NamedFiles, OnlyFile, PipelineFiles, parameters_here
from imagerag.model_hub import may_be_repository
from imagerag.profiles.loading import find_profile
from imagerag.profiles.resolve import RunSettings
from imagerag.profiles.soundness import EMBEDDED_CRITICS, EMBEDDED_MODEL
from imagerag.settings import DECLARED


@dataclass(frozen=True)
class Need:
    """Files of one repository or folder that a part is loaded from.

    Attributes:
        part: in words, as in ``generator 'sdxl'``.
        where: the repository's id, or a folder.
        files: which of its files.
        revision: of the repository.
        parameters: of its weights, in billions, as a preset or profile tells them; 0 if none does.
        bytes_each: of a parameter, as it is published.
    """

    part: str
    where: str
    files: Files
    revision: str | None = None
    parameters: float = 0.0
    bytes_each: int = 2

    @property
    def gigabytes(self) -> float:
        """About how many 10^9 bytes are downloaded; 0 if it isn't known."""
        return self.parameters * self.bytes_each

    @property
    def flag(self) -> str:
        """The flag that names another model for the part."""
        named = self.part.rpartition(" of ")[2].partition(" ")[0]
        return DECLARED[named].flag if named in DECLARED else DECLARED["lookup_model"].flag

    @property
    def is_folder(self) -> bool:
        """Whether it lies in a folder of the person's own, or would have to, since no repository has such a name."""
        return Path(self.where).is_dir() or not may_be_repository(self.where)


def needs_of(settings: RunSettings) -> Iterator[Need]:
    """Yield what the models of a run are loaded from; nothing of those that come with imagerag or run elsewhere.

    Raises:
        UserError: a file of presets can't be read, or a CLIP model's name is not understood.
    """
    if (preset := preset_of(settings.generator)) is not None:
        yield from _of_preset(preset)
        yield from map(_of_lora, settings.lora)
    for role, name in (("vlm", settings.vlm), ("critic", settings.critic)):
        if name.startswith("transformers:") and (role == "vlm" or name != settings.vlm):
            where = str(Path(name.partition(":")[2]).expanduser())
            yield Need(f"{role} {name!r}", where, ModelFiles(texts=True), parameters=_of_vlm(settings, name))
    models = {model: f"CLIP model {model!r}" for model in settings.lookup_models}
    if settings.critic.startswith("clip:") and settings.critic not in EMBEDDED_CRITICS:
        models.setdefault(settings.critic.partition(":")[2], f"critic {settings.critic!r}")
    for model, part in models.items():
        if model != EMBEDDED_MODEL:
            yield from _of_clip(model, part, _size_of_clip(settings, model))


def preset_of(generator: str) -> Preset | None:
    """Return the preset of a generator of diffusers, as far as it is known here; ``None`` for all other generators.

    Nothing is loaded, and nobody asked; see ``knowing`` for what was.

    Raises:
        UserError: a file of presets can't be read.
    """
    return _ASKED.get().get(generator) or known_preset(generator)


_ASKED: ContextVar[Mapping[str, Preset]] = ContextVar("doctor_presets", default=MappingProxyType({}))


@contextmanager
def knowing(presets: Mapping[str, Preset]) -> Iterator[None]:
    """Let ``preset_of`` know these generators in the block, and in the threads that it begins: the hub was asked."""
    token = _ASKED.set(presets)
    try:
        yield
    finally:
        _ASKED.reset(token)


def _of_preset(preset: Preset) -> Iterator[Need]:
    parts = list(parts_of(preset))
    if preset.file:
        yield from _of_file(preset)
        parts = parts[1:]
    for part in parts:
        named = f"{part.role} of generator {preset.name!r}" if part.role else f"generator {preset.name!r}"
        yield Need(named, part.where, part.files, part.revision, part.parameters, part.bytes_each)


def _of_file(preset: Preset) -> Iterator[Need]:
    """Yield what a checkpoint in one file lacks: nothing where it holds all, else the other parts of its family."""
    from imagerag.generators.diffusion.single_file import class_name_of, examine  # torch takes seconds

    file = Path(preset.file)
    part = f"generator {preset.name!r}"
    yield Need(part, str(file.parent), NamedFiles(((file.name,),)))
    found = examine(file)
    if not class_name_of(found, preset):
        config = NamedFiles(((f"{found.denoiser}/config.json",),))
        yield Need(f"configuration of {part}", preset.model, config, preset.revision)
    if not found.is_whole:
        others = {name: size for name, size in preset.weights.items() if name not in (found.denoiser, *APART)}
        files = PipelineFiles(None, (found.denoiser, *APART), tuple(others))
        yield Need(f"other parts of {part}", preset.model, files, preset.revision, sum(others.values()))


APART = ("image_encoder", "feature_extractor", "adapter")
"""What references go in by, which is told by itself."""


def _of_lora(asked: str) -> Need:
    """Return the one file of LoRA weights: of a repository, or in a folder of this machine, there or not.

    Raises:
        UserError: it names nothing, or its weight is out of range.
    """
    where = LoraName.parse(asked).where
    part, local = f"lora {where!r}", Path(where).expanduser()
    owner, _, rest = where.partition("/")
    name, _, file = rest.partition("/")
    repository = f"{owner}/{name}"
    if local.is_file() or local.is_absolute() or not rest or not may_be_repository(repository):
        return Need(part, str(local.parent), NamedFiles(((local.with_suffix(ENDING).name,),)))
    return Need(part, repository, NamedFiles(((file,),)) if file else OnlyFile(ENDING))


def _of_vlm(settings: RunSettings, name: str) -> float:
    """Return a VLM's parameters in billions, where the profile tells them, or its files here; 0 if neither does."""
    profile = find_profile(settings.profile)
    known = {choice.vlm: choice.vlm_weights for choice in profile.choices} | {
        row.vlm: row.weights for row in profile.vlms
    }
    return known.get(name) or parameters_here(name.partition(":")[2])


def _size_of_clip(settings: RunSettings, model: str) -> float:
    """Return a CLIP model's parameters in billions, where the profile tells them."""
    profile = find_profile(settings.profile)
    return profile.lookup_weights if profile.lookup_model == model else 0.0


def _of_clip(model: str, part: str, parameters: float) -> Iterator[Need]:
    check_clip_name(model)
    for one in clip_parts(model):
        if one.role == "tokenizer":
            yield Need(f"tokenizer of {part}", one.where, one.files)
        else:
            yield Need(part, one.where, one.files, parameters=parameters, bytes_each=4)
