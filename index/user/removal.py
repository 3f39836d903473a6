"""Taking pictures out of a library of one's own: they are looked up no more. The files themselves are never touched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from imagerag.errors import UserError
from imagerag.index.lock import writer_lock
from imagerag.index.user.shards import GONE, Shards
from imagerag.index.user.skipped import SKIPPED, read_skipped
from imagerag.index.user.snapshot import SnapshotReader
from imagerag.index.user.sources.items import SEPARATOR
from imagerag.index.user.vector_store import VectorStore
from imagerag.index.user_libraries import OWN, library_directory
from imagerag.store.files import write_whole

NAMED = 5
"""Sources that an error names."""


def remove_pictures(
    home: str | Path,
    sources: Sequence[str] | None,
    *,
    library: str = OWN,
    chroma: str | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Remove what was added of some sources, of every model, and return how many pictures of each.

    What a run has drawn with stays as a copy in the data directory, for its conversation and its replay.

    Args:
        home: the data directory.
        sources: what was added, as it was named then, or a file or folder in it; everything when ``None``.
        library: its name.
        chroma: address of the Chroma server that holds the search index, if one does.
        on_wait: told in words when another process is adding.

    Raises:
        UserError: nothing of one of them is there (nothing is removed then), the library can't be written, or another
            process takes too long.
    """
    directory = library_directory(home, library)
    shards = Shards(directory / "shards")
    if not shards.models():
        raise UserError(f"library {library!r} has no pictures; see: imagerag index status")
    with writer_lock(directory / "lock", on_wait=on_wait):
        roots: dict[str, str] = {}
        for model in shards.models():
            table = SnapshotReader(shards, model).snapshot().table
            roots.update(zip(table.column("key").to_pylist(), table.column("root").to_pylist(), strict=True))
        wanted = sorted({*roots.values()}) if sources is None else list(dict.fromkeys(sources))
        found = {one: [key for key, root in roots.items() if _is_of(one, key, root)] for one in wanted}
        for one, keys in found.items():
            if not keys:
                raise UserError(f"nothing of {one!r} is in library {library!r}; {_there(sorted({*roots.values()}))}")
        gone = sorted({key for keys in found.values() for key in keys})
        if gone:
            shards.write(GONE, {"key": gone})
        kept = {roots[key] for key in roots.keys() - {*gone}}
        report = {name: entries for name, entries in read_skipped(directory).items() if name in kept}
        write_whole(directory / SKIPPED, json.dumps(report, ensure_ascii=False).encode())
        for model in shards.models():
            collections = VectorStore(directory, model, chroma)
            try:
                collections.bring_up_to(SnapshotReader(shards, model).snapshot())
            finally:
                collections.close()
    return {one: len(keys) for one, keys in found.items()}


def _is_of(source: str, key: str, root: str) -> bool:
    """Tell whether a picture is of a source: of that name, that file, that folder, or an archive or table there."""
    if source == root:
        return True
    place = str(Path(os.path.expanduser(source)).absolute())
    return root == place or any(
        name == place or name.startswith(place.rstrip(os.sep) + os.sep) for name in (key, key.partition(SEPARATOR)[0])
    )


def _there(roots: Sequence[str]) -> str:
    if not roots:
        return "it is empty"
    more = f" and {len(roots) - NAMED} more" if len(roots) > NAMED else ""
    return f"added there: {', '.join(map(repr, roots[:NAMED]))}{more}"
