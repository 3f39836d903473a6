"""Images, manifests and small disks for tests of the store."""

import io
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagerag.records import ReferenceRecord, Verdict
from imagerag.store.manifest import Manifest, ManifestReference

VERDICT: Verdict = {
    "satisfied": False,
    "score": 0.25,
    "concepts": [{"concept": "kimono", "kind": "content", "present": False, "score": 0.1}],
    "missing": ["kimono"],
    "critic": "clip",
}
REFERENCE: ReferenceRecord = {
    "id": "ref-1",
    "kind": "retrieved",
    "path": "/somewhere/kimono.png",
    "sha256": "ab" * 32,
    "concept": "kimono",
    "caption": "a red kimono",
    "title": "kimono",
    "similarity": 0.5,
    "source": "Noto Emoji u1f458",
    "licence": "Apache-2.0",
}


def manifest(**changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "prompt": "a lobster in a kimono, 着物 🦞",
        "seed": 2**32 - 1,
        "generator": "patchwork",
        "generator_revision": "1",
        "references": [ManifestReference.of(REFERENCE)],
        "reference_scale": 0.6,
        "facts": {"layout": [(0, 1)], "weights": {"a": 0.5}, "nothing": None},
    }
    return Manifest.new(**{**fields, **changes})


def picture(seed: int = 0, mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8), mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file grows beyond ``size`` bytes: a real failure of the operating system, for root too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def on_small_disk(script: str, place: Path, options: str) -> str:
    """Run Python on a mounted disk of its own at ``place``; returns what it prints."""
    if shutil.which("unshare") is None:
        pytest.skip("this system has no unshare")
    place.mkdir(exist_ok=True)
    mounting = [
        "unshare",
        "-Urm",
        "sh",
        "-c",
        'mount -t tmpfs -o size=64k tmpfs "$0" && eval "$1" && exec "$2" -c "$3" "$0"',
    ]
    probe = subprocess.run([*mounting, str(place), "true", sys.executable, "pass"], capture_output=True)
    if probe.returncode:
        pytest.skip("this system lets nobody mount")
    result = subprocess.run([*mounting, str(place), options, sys.executable, script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout
