"""Why a model can't be loaded, in one line: what of it can't be had, how large it is, and the command that gets it."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from imagerag.errors import UserError
from imagerag.extras import missing
from imagerag.generators.diffusion.preset_files import parts_of
from imagerag.generators.diffusion.presets import PRESETS, Preset
from imagerag.model_hub import http_error, may_be_repository, not_fetched, refusal

_LACKS_SAFETENSORS = re.compile(r"(?:no|a) file named (?!\S*-of-)\S*\.safetensors\b|necessary `safetensors` weights")
"""What diffusers and transformers say where there are none. Other errors name a file of them, too: one that can't be
read, or a part that is lacking (``model-00002-of-00003.safetensors``)."""


def not_loaded(what: str, preset: Preset | None, error: Exception) -> UserError:
    """Say in one line what can't be had, how large it is, and the command that gets it."""
    reason = " ".join(str(error).split())[:200]
    local = Path(what.partition(" (")[0]).exists()
    size = preset.gigabytes() if preset is not None else None
    about = f" (about {size:.1f} GB)" if size else ""
    found = None if local else refusal(what.partition(" (")[0], error)
    # Of a model the libraries look for safetensors first, and for an adapter's file by its name.
    if found is not None and not (found.kind == "file" and "safetensors" in found.why and " (" not in what):
        return _not_fetched(what, preset, error, about)
    if "sentencepiece" in reason.lower() and find_spec("sentencepiece") is None:
        return missing("sentencepiece", "diffusion", repr(what))
    if _LACKS_SAFETENSORS.search(reason):
        return not_safe(what)
    if local:
        return UserError(f"{what!r} can't be loaded ({reason}); check the folder, or name another --generator")
    # What the hub's client raises is an OSError, and what of its HTTP client comes through.
    if not isinstance(error, (OSError, http_error())) and may_be_repository(what.partition(" (")[0]):
        return UserError(f"{what!r} can't be loaded ({reason}); name another --generator")
    return _not_fetched(what, preset, error, about)


def _not_fetched(what: str, preset: Preset | None, error: Exception, about: str) -> UserError:
    """Return the line with the command that gets the files that are loaded, of the revision that is; as the doctor."""
    repository = what.partition(" (")[0]
    parts = [part for part in parts_of(preset) if part.where == repository] if preset is not None else []
    revision = next((part.revision for part in parts), None)
    patterns = [pattern for part in parts if part.revision == revision for pattern in part.files.patterns]
    return not_fetched(what, error, about, list(dict.fromkeys(patterns)), revision)


def not_safe(what: str) -> UserError:
    """Return the error for weights that are pickled."""
    return UserError(
        f"{what!r} has no weights as safetensors, and pickled ones can run any code; to load them all the same, set "
        f"allow_pickle = true in a preset of your own ({PRESETS})"
    )
