"""From a path as a table writes it to the file that is meant."""

from __future__ import annotations

import ntpath
import os
from pathlib import Path

from imagerag.index.user.sources.beside import Beside, ending_of

PICTURES = frozenset(
    {"jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jp2", "jpx", "j2k", "ico"}
    | {"ppm", "pgm", "pbm", "pnm", "heic", "heif", "jxl"}
)
"""Endings of files that are taken for pictures where not every file is one."""


def file_named(path: str, folder: str, beside: Beside) -> str:
    """Return the absolute path of the file that a table in ``folder`` names.

    Tables of trainers leave the ending out, and those made on Windows have backslashes. What can't be found comes back
    as it is written, for whoever reads it to say so.
    """
    if path.startswith("~/"):
        path = str(Path(path).expanduser())
    written = os.path.join(folder, path)
    if os.path.exists(written):
        return written
    meant = os.path.join(folder, path.replace("\\", "/")) if "\\" in path else written
    if os.path.exists(meant):
        return os.path.normpath(meant)
    if ntpath.splitdrive(path)[0]:
        meant = os.path.join(folder, ntpath.basename(path))
        if os.path.exists(meant):
            return meant
    if ending_of(meant) not in PICTURES:
        inside, stem = os.path.split(meant)
        return beside.named(inside, stem, PICTURES) or written
    return written
