"""Bundled data: the reference library, the embedded CLIP's weights, and their licences."""

from importlib.resources import as_file, files
from pathlib import Path


def asset(name: str) -> Path:
    """Return the path of a bundled file or folder.

    Raises:
        FileNotFoundError: this installation lacks it.
    """
    with as_file(files(__name__) / name) as path:  # the package is never zipped, so the path outlives the block
        if not path.exists():
            raise FileNotFoundError(f"bundled file {name!r} is missing; reinstall imagerag")
        return path
