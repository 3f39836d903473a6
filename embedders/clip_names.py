"""Which CLIP models open_clip knows, without importing it, which takes seconds."""

from __future__ import annotations

import builtins
import importlib.util
import json
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from imagerag.embedders.clip import full_name
from imagerag.errors import UserError

_SHOWN = 6
"""Names that a message lists."""


def check_clip_name(name: str, called: str | None = None, flag: str = "--lookup-model", prefix: str = "") -> None:
    """Refuse the name of a CLIP model that can't be one, without loading any.

    Args:
        name: as ``full_name`` takes it.
        called: by the person, as in ``critic 'clip:X'``; the model's name unless given.
        flag: that the name was given by.
        prefix: what the flag's values begin with.

    Raises:
        UserError: it is no name of that form, or open_clip has no such architecture or weights; the message names the
            flag and the nearest names.
    """
    called = called or f"CLIP model {name!r}"
    try:
        full = full_name(name)
    except UserError as error:
        forms = ("ViT-B-32:laion2b_s34b_b79k", "MODEL:CHECKPOINT.pt", "a folder with an open_clip_config.json")
        some = ", ".join(f"{prefix}{form}" for form in forms[:2])
        first = "" if prefix else "embedded, "
        raise UserError(f"{called} is not understood; give {flag} {first}{some}, or {forms[2]}") from error
    architecture, _, tag = full.removeprefix("open_clip:").partition("/")
    if full == "embedded" or full.startswith(("open_clip:hf-hub:", "open_clip:local-dir:")) or Path(tag).is_file():
        return
    known = open_clip_weights()
    tags = known.get(architecture.replace("/", "-"))
    if tags is None and not (open_clip_folder() / "model_configs" / f"{architecture}.json").is_file():
        raise UserError(
            f"{called} is not one of open_clip's (no architecture {architecture!r}); give {flag} {prefix}MODEL:TAG "
            f"with one of its models: {_nearest(architecture, list(known))}"
        )
    if tag not in (tags or {}):
        near = _nearest(tag, list(tags or ["CHECKPOINT.pt"]), f"{prefix}{architecture}:")
        raise UserError(f"{called} is not one of open_clip's (no weights {tag!r}); give {flag} one of: {near}")


def _nearest(name: str, known: Sequence[str], prefix: str = "") -> str:
    """Return the nearest names, or where none is near the first ones, and how many more there are."""
    near = (get_close_matches(name, known, _SHOWN, 0.6) or list(known))[:_SHOWN]
    more = f" and {len(known) - len(near)} more" if len(known) > len(near) else ""
    return ", ".join(f"{prefix}{each}" for each in near) + more


@cache
def open_clip_weights() -> dict[str, dict[str, dict[str, Any]]]:
    """Return open_clip's table of weights: by architecture and tag, with ``hf_hub`` where they are on the hub.

    Its package takes seconds to import; the table's module and the two that it needs don't. They are executed in a
    package of another name, so that open_clip itself counts as not imported.

    Raises:
        UserError: open_clip is not installed.
    """
    folder = open_clip_folder()
    spec = ModuleSpec("imagerag_open_clip_tables", None, is_package=True)
    assert spec.submodule_search_locations is not None  # it is a package
    spec.submodule_search_locations.append(str(folder))
    sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    name = f"{spec.name}.pretrained"
    found = importlib.util.spec_from_file_location(name, folder / "pretrained.py")
    assert found is not None  # the file's ending says what it is
    module = importlib.util.module_from_spec(found)
    # Builtins of its own, so that no other import of this process is affected.
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import_light}
    exec(compile((folder / "pretrained.py").read_text(encoding="utf-8"), name, "exec"), module.__dict__)
    table: dict[str, dict[str, dict[str, Any]]] = module.__dict__["_PRETRAINED"]
    return table


@cache
def lacks_quick_gelu(architecture: str, tag: str) -> bool:
    """Tell whether weights were trained with QuickGELU, and the architecture as open_clip describes it has GELU.

    So it is of those of OpenAI, DFN, MetaCLIP and others: loaded as they are, they embed badly, with no more than a
    warning.

    Args:
        architecture: as in ``ViT-B-32``.
        tag: of its weights, as in ``openai``.

    Raises:
        UserError: open_clip is not installed.
    """
    return bool(open_clip_weights().get(architecture, {}).get(tag, {}).get("quick_gelu")) and _has_gelu(architecture)


_OF_QUICK_GELU = re.compile(r"quick_?gelu|openai|metaclip|dfn[25]b", re.IGNORECASE)
"""What files are called whose weights were trained with QuickGELU."""
_DIGEST = re.compile(r"/([0-9a-f]{64})/|-([0-9a-f]{8})\.pt$")
"""Where the addresses of weights have the SHA-256 of the file, or its beginning (``open_clip/pretrained.py``)."""


def file_lacks_quick_gelu(architecture: str, file: Path, sha256: str) -> bool:
    """Tell of weights in a file of one's own what ``lacks_quick_gelu`` tells of those that open_clip knows.

    The weights themselves don't say it. It is told by their hash where open_clip has published that, else by the name
    of the file, or of the repository in whose folder of the hub's cache it is.

    Args:
        architecture: as in ``ViT-B-32``.
        file: with the weights.
        sha256: of its content, 64 hex digits.

    Raises:
        UserError: open_clip is not installed.
    """
    if architecture not in open_clip_weights() or not _has_gelu(architecture):
        return False
    for known in open_clip_weights()[architecture].values():
        digest = _DIGEST.search(known.get("url") or "")
        if digest is not None and sha256.startswith(digest[1] or digest[2]):
            return bool(known.get("quick_gelu"))
    names = (file.name, *(part for part in file.parts if part.startswith("models--")))
    return any(_OF_QUICK_GELU.search(name) for name in names)


def _has_gelu(architecture: str) -> bool:
    """Whether open_clip describes an architecture with GELU."""
    file = open_clip_folder() / "model_configs" / f"{architecture}.json"
    return not (file.is_file() and json.loads(file.read_text(encoding="utf-8")).get("quick_gelu"))


def repository_of_clip(name: str) -> str:
    """Return the repository on the hub that has a model's weights; empty where they are somewhere else.

    Args:
        name: ``hf-hub:REPOSITORY``, or ``MODEL/TAG`` of open_clip's table.
    """
    if name.startswith("hf-hub:"):
        return name.removeprefix("hf-hub:")
    architecture, _, tag = name.partition("/")
    where = str(open_clip_weights().get(architecture, {}).get(tag, {}).get("hf_hub") or "")
    return "/".join(where.split("/")[:2])


def _import_light(name: str, *rest: Any) -> Any:
    """Import for the module of the table, which does without the readers of weights where they are not installed."""
    if name.partition(".")[0] in ("safetensors", "huggingface_hub", "torch"):
        raise ImportError(name)
    return __import__(name, *rest)


def tokenizer_of(architecture: str) -> str:
    """Return the repository of an architecture's tokenizer; empty where open_clip brings it."""
    file = open_clip_folder() / "model_configs" / f"{architecture}.json"
    if not file.is_file():
        return ""
    return str(json.loads(file.read_text(encoding="utf-8"))["text_cfg"].get("hf_tokenizer_name") or "")


def open_clip_folder() -> Path:
    """Return where open_clip is installed.

    Raises:
        UserError: it is not.
    """
    spec = importlib.util.find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise UserError("open_clip is not installed; run: pip install open_clip_torch")
    return Path(spec.origin).parent
