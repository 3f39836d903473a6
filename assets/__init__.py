"""Bundled data: the reference library, the embedded CLIP's weights, and their licences."""

from importlib.resources import as_file, files
from pathlib import Path

from imagerag.errors import UserError


def asset(name: str) -> Path:
    """Return the path of a bundled file or folder.

    Raises:
        UserError: this installation lacks it.
    """
    with as_file(files(__name__) / name) as path:  # the package is never zipped, so the path outlives the block
        if not path.exists():
            raise UserError(f"the bundled file {name!r} is missing; next: pip install --force-reinstall imagerag")
        return path
