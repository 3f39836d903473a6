"""Files of pictures that lie nowhere else on this machine, kept below a folder by their SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from imagerag.index.user.sources.items import Origin
from imagerag.store.files import write_whole


def kept_file(folder: Path, data: bytes) -> Origin:
    """Write a file below a folder, by its digest, and return where it is."""
    sha256 = hashlib.sha256(data).hexdigest()
    file = folder / sha256[:2] / sha256
    write_whole(file, data, durable=False)
    return Origin("file", str(file))
