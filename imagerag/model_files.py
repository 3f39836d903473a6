"""Which files of a repository or folder are loaded, whether they are here, and the patterns that get just those."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod
from pathlib import Path
from typing import Any, Protocol

from imagerag.model_hub import hub_cache
from imagerag.regular_files import read_regular_text

SHARD = r"\d{5}-of-\d{5}"
NAMES = "diffusion_pytorch_model|model|weights|pytorch_model"
"""How files of weights begin (diffusers' ``variant_compatible_siblings``)."""
WEIGHTS = (".bin", ".safetensors", ".onnx", ".pb")
ROOT_FILES = (
    "scheduler_config.json", "config.json", "model_index.json", "pipeline.py", "chat_template.jinja",
    "generation_config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json",
    "tokenizer_config.json",
)  # fmt: skip
"""Beside the components (``DiffusionPipeline.download``, diffusers 0.42)."""
ALSO = ("scheduler", "tokenizer", "tokenizer_2", "tokenizer_3", "feature_extractor", "processor")
"""Components without weights, where no ``model_index.json`` names them."""
TEXTS = ("*.json", "*.txt", "*.model", "*.jinja")
"""Configurations, vocabularies and templates of chats."""


class Files(Protocol):
    """The files that one part of a model is made of."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """What ``hf download --include`` takes where the repository's listing isn't known."""
        ...

    def of(self, files: Collection[str], index: Mapping[str, Any]) -> set[str]:
        """Return those that are loaded, of all that a repository has.

        Args:
            files: paths in the repository.
            index: its ``model_index.json``; empty if it isn't known.
        """
        ...

    def lacking(self, folder: Path) -> list[str]:
        """Return what isn't in a folder, by paths or patterns below it."""
        ...


@dataclass(frozen=True)
class PipelineFiles:
    """A pipeline, as ``DiffusionPipeline.download`` chooses its files (diffusers 0.42).

    Attributes:
        variant: as ``from_pretrained`` takes it.
        passed: components that come from elsewhere.
        components: with weights, where no ``model_index.json`` names them.
        allow_pickle: ``.bin`` does where there are no safetensors.
    """

    variant: str | None = None
    passed: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    allow_pickle: bool = False

    @property
    def patterns(self) -> tuple[str, ...]:
        """See ``Files``; of every folder, since diffusers fetches weights from those beside the components, too."""
        dot = f".{self.variant}" if self.variant else ""
        weights = (f"*/*model{dot}.safetensors", f"*/*model{dot}-*-of-*.safetensors")
        return ("model_index.json", *(f"*/{pattern}" for pattern in TEXTS), *weights)

    def of(self, files: Collection[str], index: Mapping[str, Any]) -> set[str]:
        """See ``Files``."""
        named = [name for name, value in index.items() if isinstance(value, list) and name != "_class_name"]
        components = set(named or (*self.components, *ALSO))
        modelled = {_folder(file) for file in files if file.endswith(WEIGHTS)} & components
        ending = "safetensors"
        if self.allow_pickle and any(not self._weights(files, folder, ending) for folder in modelled):
            ending = "bin"
        found = {file for folder in set(map(_folder, files)) for file in self._weights(files, folder, ending)}
        for file in files:
            first = file.partition("/")[0]
            if file in ROOT_FILES or (
                first in components and (first not in modelled or file == f"{first}/config.json")
            ):
                found.add(file)
        ignored = [file for file in found if file.endswith((".msgpack", ".onnx", ".pb"))]
        return {file for file in found if file.partition("/")[0] not in self.passed}.difference(ignored)

    def _weights(self, files: Collection[str], folder: str, ending: str) -> set[str]:
        """Return the files of weights in a folder: of the variant, if it has any, and their table of shards."""
        here = {file: file.rpartition("/")[2] for file in files if _folder(file) == folder}
        variant = re.escape(self.variant or "")
        forms = [rf"({NAMES})(-{SHARD})?\.{ending}", rf"({NAMES})\.{ending}\.index\.json"]
        if self.variant:
            newer = [rf"({NAMES})\.{variant}(-{SHARD})?\.{ending}", rf"({NAMES})\.{ending}\.index\.{variant}\.json"]
            older = [rf".*-{SHARD}\.{variant}\.{ending}", rf"({NAMES})\.{ending}\.{variant}\.index\.json"]
            for pair in (newer, older):
                if any(re.fullmatch(pair[0], name) for name in here.values()):
                    forms = pair
                    break
        return {file for file, name in here.items() if any(re.fullmatch(form, name) for form in forms)}

    def lacking(self, folder: Path) -> list[str]:
        """See ``Files``; a component with a ``config.json`` is a model and has weights."""
        index = table_of(folder / "model_index.json")
        if not index:
            return ["model_index.json"]
        lacks: list[str] = []
        for name, value in index.items():
            if not isinstance(value, list) or name in self.passed or value[:1] == [None]:
                continue
            files = {path.relative_to(folder).as_posix() for path in (folder / name).rglob("*") if path.is_file()}
            if not files:
                lacks.append(f"{name}/*")
            elif f"{name}/config.json" in files:
                endings = ("safetensors", "bin") if self.allow_pickle else ("safetensors",)
                weights = next((found for ending in endings if (found := self._weights(files, name, ending))), set())
                tables = [file for file in weights if file.endswith(".json")]
                shards = {f"{name}/{shard}" for file in tables for shard in _shards(folder / file)}
                lacks += sorted(shards - files) if weights else [f"{name}/*.safetensors"]
        return lacks


@dataclass(frozen=True)
class ModelFiles:
    """A model of transformers with its configuration, in the repository's root or a folder of it.

    Attributes:
        subfolder: where it is; empty for the root.
        texts: with tokenizer, processor and templates.
    """

    subfolder: str = ""
    texts: bool = False

    @property
    def patterns(self) -> tuple[str, ...]:
        """See ``Files``."""
        begin = f"{self.subfolder}/" if self.subfolder else ""
        return tuple(f"{begin}{name}" for name in (*(TEXTS if self.texts else ("config.json",)), "model*.safetensors"))

    def of(self, files: Collection[str], index: Mapping[str, Any]) -> set[str]:
        """See ``Files``."""
        here = {file.rpartition("/")[2]: file for file in files if _folder(file, whole=True) == self.subfolder}
        found = {"config.json", "model.safetensors"} & set(here)
        if "model.safetensors" not in here:
            shards = rf"model-{SHARD}\.safetensors|model\.safetensors\.index\.json"
            found |= {name for name in here if re.fullmatch(shards, name)}
        if self.texts:
            unused = re.compile(r".*\.(bin|h5|msgpack|onnx)\.index\.json|README.*|LICENSE.*|USE_POLICY.*")
            fitting = {name for name in here if any(fnmatchcase(name, pattern) for pattern in TEXTS)}
            found |= {name for name in fitting if not unused.fullmatch(name) and not name.endswith(".index.json")}
        return {here[name] for name in found}

    def lacking(self, folder: Path) -> list[str]:
        """See ``Files``."""
        inside = folder / self.subfolder if self.subfolder else folder
        begin = f"{self.subfolder}/" if self.subfolder else ""
        lacks = [] if (inside / "config.json").is_file() else [f"{begin}config.json"]
        if self.texts and not _has_tokenizer(inside):
            lacks.append(f"{begin}tokenizer.json")
        if (inside / "model.safetensors").is_file():
            return lacks
        shards = _shards(inside / "model.safetensors.index.json")
        if not shards:
            return [*lacks, f"{begin}model*.safetensors"]
        return lacks + [f"{begin}{shard}" for shard in shards if not (inside / shard).is_file()]


@dataclass(frozen=True)
class NamedFiles:
    """Files by their names.

    Attributes:
        names: each one, or several of which the first that is there is loaded.
        texts: with the configurations and vocabularies of the root, as a tokenizer has them.
        tokenizer: a tokenizer has to be among them.
    """

    names: tuple[tuple[str, ...], ...]
    texts: bool = False
    tokenizer: bool = False

    @property
    def patterns(self) -> tuple[str, ...]:
        """See ``Files``."""
        return (*(choices[0] for choices in self.names), *(TEXTS if self.texts else ()))

    def of(self, files: Collection[str], index: Mapping[str, Any]) -> set[str]:
        """See ``Files``; what isn't there is named all the same, so that its lack shows."""
        chosen = {next((name for name in choices if name in files), choices[0]) for choices in self.names}
        if not self.texts:
            return chosen
        return chosen.union(
            file for file in files if "/" not in file and any(fnmatchcase(file, pattern) for pattern in TEXTS)
        )

    def lacking(self, folder: Path) -> list[str]:
        """See ``Files``."""
        lacks = [choices[0] for choices in self.names if not any((folder / name).is_file() for name in choices)]
        return [*lacks, "tokenizer.json"] if self.tokenizer and not _has_tokenizer(folder) else lacks


@dataclass(frozen=True)
class OnlyFile:
    """The one file with an ending, as LoRA weights are found where no file of a repository is named.

    Attributes:
        ending: with its dot.
    """

    ending: str

    @property
    def patterns(self) -> tuple[str, ...]:
        """See ``Files``."""
        return (f"*{self.ending}",)

    def of(self, files: Collection[str], index: Mapping[str, Any]) -> set[str]:
        """See ``Files``; all that have the ending, of which only one may be there; the pattern where none has it."""
        return {file for file in files if file.endswith(self.ending)} or {f"*{self.ending}"}

    def lacking(self, folder: Path) -> list[str]:
        """See ``Files``; nothing where just one is there."""
        return [] if len(list(folder.rglob(f"*{self.ending}"))) == 1 else [f"*{self.ending}"]


def _has_tokenizer(folder: Path) -> bool:
    """Tell whether one of the files that tokenizers are made of is there (transformers' own names for them)."""
    names = ("tokenizer.json", "tokenizer_config.json", "vocab.*", "*.model", "*.tiktoken")
    return any(any(folder.glob(name)) for name in names)


def patterns_of(wanted: Collection[str], files: Iterable[str]) -> list[str]:
    """Return patterns that match just the wanted ones of all files, as few as is easily found.

    ``*`` matches slashes as well, as huggingface_hub has it (``filter_repo_objects``).
    """
    everything, left, found = set(files), set(wanted), []
    for file in sorted(wanted):
        if file not in left:
            continue
        folder, slash, name = file.rpartition("/")
        stem, dot, ending = name.partition(".")
        for pattern in (
            f"{folder}{slash}*",
            f"{folder}{slash}*{dot}{ending}",
            f"{folder}{slash}{stem[:5]}*{dot}{ending}",
        ):
            matched = {each for each in everything if fnmatchcase(each, pattern)}
            if matched <= set(wanted) and (len(matched) > 1 or folder):
                break
        else:
            pattern, matched = file, {file}
        found.append(pattern if len(matched) > 1 else file)
        left -= matched
    return found


def _folder(file: str, whole: bool = False) -> str:
    """Return the folder of a path, as diffusers groups: only of one level, unless the whole is asked for."""
    folder = file.rpartition("/")[0]
    return folder if whole or "/" not in folder else ""


def _shards(table: Path) -> set[str]:
    weights = table_of(table).get("weight_map")
    return set(map(str, weights.values())) if isinstance(weights, dict) else set()


def snapshot(repository: str, revision: str | None) -> Path | None:
    """Return the folder of the cache with a repository's files at a revision; ``None`` if nothing of it is here."""
    folder = hub_cache() / f"models--{repository.replace('/', '--')}"
    reference = folder / "refs" / (revision or "main")
    commit = read_regular_text(reference).strip() if reference.is_file() else revision or ""
    found = folder / "snapshots" / commit
    return found if commit and found.is_dir() else None


def table_of(file: Path) -> Mapping[str, Any]:
    """Return the JSON object in a file; empty if there is none."""
    with suppress(OSError, ValueError, RecursionError):
        table = json.loads(read_regular_text(file))
        return table if isinstance(table, dict) else {}
    return {}


def parameters_here(repository: str) -> float:
    """Return the parameters of a model of transformers in billions, by the headers of its files; 0 if it isn't here.

    Args:
        repository: its id, or a folder.
    """
    own = Path(repository).expanduser()
    folder = own if own.is_dir() else snapshot(repository, None)
    if folder is None:
        return 0.0
    names = ModelFiles().of({file.name for file in folder.iterdir()}, {})
    return sum(count_parameters(folder / name) for name in names if name.endswith(".safetensors")) / 1e9


def count_parameters(file: Path) -> int:
    """Return how many numbers a file of weights has, by its header; none where it is no safetensors."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "np") as content:
            return sum(prod(content.get_slice(name).get_shape()) for name in content.keys())  # noqa: SIM118
    except (OSError, SafetensorError):
        return 0
