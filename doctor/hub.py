"""What a repository of the Hugging Face hub holds, and whether it gives it; one small file is all that is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imagerag.doctor.threads import left
from imagerag.model_files import snapshot, table_of
from imagerag.model_hub import Refusal, refusal

SECONDS = 4.0
"""For one answer of the hub."""


@dataclass(frozen=True)
class Listing:
    """What is known of a repository.

    Attributes:
        files: bytes of each file by its path; empty where it isn't known.
        refused: why the hub gives no file; ``None`` if it does, or if it wasn't asked.
        asked: whether the hub was asked, and answered.
        index: the content of ``model_index.json``, where there is one that can be had.
    """

    files: Mapping[str, int] = field(default_factory=dict)
    refused: Refusal | None = None
    asked: bool = False
    index: Mapping[str, Any] = field(default_factory=dict)


def listing(repository: str, revision: str | None, offline: bool = False) -> Listing:
    """Return what a repository holds: as the hub says, or where it isn't reached as the cache remembers.

    Args:
        repository: its id.
        revision: branch, tag or commit; ``None`` for ``main``.
        offline: don't ask the hub.
    """
    if offline:
        return Listing(_remembered(repository, revision), index=cached_index(repository, revision))
    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

    try:
        info = HfApi().model_info(repository, revision=revision, files_metadata=True, timeout=left(SECONDS))
    except Exception as error:  # each version of the hub's library has errors of its own, and those of its HTTP client
        found = refusal(repository, error) or Refusal("unreachable", type(error).__name__, "check the network")
        known = _remembered(repository, revision)
        return Listing(known, found, found.kind != "unreachable", cached_index(repository, revision))
    files = {sibling.rfilename: int(sibling.size or 0) for sibling in info.siblings or ()}
    refused = None
    if files and info.gated:  # its listing is public all the same
        name = max(files, key=lambda each: files[each])
        try:
            get_hf_file_metadata(hf_hub_url(repository, name, revision=revision), timeout=left(SECONDS))
        except Exception as error:
            refused = refusal(repository, error)
    index = cached_index(repository, revision)
    if "model_index.json" in files and not index and refused is None:
        index = fetched_table(repository, revision, "model_index.json")
    return Listing(files, refused, True, index)


def cached_index(repository: str, revision: str | None) -> Mapping[str, Any]:
    """Return a pipeline's ``model_index.json`` from the cache; empty if it isn't there."""
    folder = snapshot(repository, revision)
    return {} if folder is None else table_of(folder / "model_index.json")


def fetched_table(repository: str, revision: str | None, name: str) -> Mapping[str, Any]:
    """Return the JSON object in a small file of a repository; empty where it can't be had."""
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # its stub leaves it out

    url = hf_hub_url(repository, name, revision=revision)
    try:
        reply = get_session().get(url, headers=build_hf_headers(), timeout=left(SECONDS), follow_redirects=True)
        table = reply.raise_for_status().json()
    except Exception:  # as in listing; then the components are those that the preset counts
        return {}
    return table if isinstance(table, dict) else {}


def _remembered(repository: str, revision: str | None) -> dict[str, int]:
    """Return the listing that an earlier download left in the cache; empty if there was none."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        return {each.path: each.size for each in get_cached_repo_tree(repository, revision=revision)}
    except (OSError, ValueError, KeyError, CachedRepoTreeNotFoundError):
        return {}
