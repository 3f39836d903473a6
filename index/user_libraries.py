"""The libraries of a person's own: ``own``, and any others by their names, side by side in the data directory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from imagerag.errors import UserError
from imagerag.index.web.names import web_source_names
from imagerag.plugins import installed
from imagerag.settings import LIBRARIES, is_mcp_search
from imagerag.shell_words import quoted
from imagerag.store.files import address_path

OWN = "own"
"""The library that is meant where none is named."""
FOLDER = "libraries"
"""Holds those that have a name."""
FOUND, BUNDLED_FOUND = "found", "library"
"""Folders with the PNGs of what was found: within a library of the person's own, and of the bundled one within the data
directory."""
WEB = "web"
"""Folder with what was fetched from web sources, within the data directory."""
SOURCES_NAMED = 3
"""Sources that a message names."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_TAKEN = ("bundled",)


def library_directory(home: str | Path, name: str = OWN) -> Path:
    """Return where a library lies, which need not be there yet.

    Raises:
        UserError: the name is of no use as one.
    """
    if name == OWN:
        return Path(home) / OWN
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise UserError(
            f"library {name!r} can't be a name; give --library small letters, digits, - and _, at most 64, and not "
            f"{' or '.join(_TAKEN)}"
        )
    return Path(home) / FOLDER / name


def searched_web_sources(home: str | Path) -> list[str]:
    """Return the names of the web sources that ``--library`` can name; a library of one's own goes before one."""
    own = library_names(home)
    return [name for name in web_source_names() if name not in own]


def is_searched_by_mcp(home: str | Path, name: str) -> bool:
    """Tell whether a library's name is that of an image search of a mounted MCP server, and not of one of one's own."""
    return is_mcp_search(name) and name not in library_names(home)


def library_names(home: str | Path) -> list[str]:
    """Return the names of the libraries below a data directory, ``own`` first whether it is there or not.

    Names of files alone are read.
    """
    folder = Path(home) / FOLDER
    named = sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name)) if folder.is_dir() else []
    return [OWN, *named]


def personal_libraries(libraries: Sequence[str]) -> list[str]:
    """Return those of some libraries that pictures can be added to: neither the bundled one nor what others hold."""
    elsewhere = {*_TAKEN, *installed("searches"), *web_source_names()}
    return [name for name in libraries if name not in elsewhere and not is_mcp_search(name)]


def check_library_name(home: str | Path, name: str, model: str = "embedded") -> None:
    """Refuse the name of a library that isn't there.

    Args:
        home: the data directory.
        name: ``bundled``, one of the person's own, an installed search service, a web source, or an image search of a
            mounted MCP server.
        model: the CLIP model that it would be indexed with.

    Raises:
        UserError: the message lists those there are, and tells how to make it.
    """
    there = list(dict.fromkeys([*LIBRARIES, *library_names(home), *installed("searches"), *web_source_names()]))
    if name in there or is_mcp_search(name):
        return
    library_directory(home, name)
    words = ["imagerag", "index", "add", "FOLDER", "--library", name]
    command = quoted([*words, *(["--lookup-model", model] if model != "embedded" else [])])
    raise UserError(f"library {name!r} is not known; give --library some of: {', '.join(there)}, or make it: {command}")


def found_folders(home: str | Path) -> list[Path]:
    """Return the folders with the PNGs of what look-ups have found, of all libraries and of the web."""
    own = (library_directory(home, name) for name in library_names(home))
    return [Path(home) / BUNDLED_FOUND, Path(home) / WEB / FOUND, *(folder / FOUND for folder in own)]


def found_file(home: str | Path, sha256: str) -> Path | None:
    """Return the PNG of a reference that a look-up has found, of any library or of the web.

    Raises:
        InvalidArgument: not an address.
    """
    return next((file for folder in found_folders(home) if (file := address_path(folder, sha256)).is_file()), None)


def is_empty_library(home: str | Path, name: str) -> bool:
    """Tell by the names of files alone whether nothing was ever added to a library."""
    return not any((library_directory(home, name) / "shards").glob("*.parquet"))


def indexed_models(home: str | Path, name: str) -> list[str]:
    """Return the ids of the models that a library was indexed with; none if nothing was ever added."""
    from imagerag.index.user.shards import Shards

    return Shards(library_directory(home, name) / "shards").models()


def sources_in_words(home: str | Path, name: str, model: str) -> str:
    """Return what was added to a library with a model, as a command takes it: the first sources, quoted."""
    from imagerag.index.user.shards import Shards
    from imagerag.index.user.snapshot import SnapshotReader

    table = SnapshotReader(Shards(library_directory(home, name) / "shards"), model).snapshot().table
    roots = sorted(set(table.column("root").to_pylist()))
    return quoted(roots[:SOURCES_NAMED]) + (" ..." if len(roots) > SOURCES_NAMED else "")
