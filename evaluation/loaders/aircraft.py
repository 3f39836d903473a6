"""FGVC-Aircraft: 100 variants of aircraft (Maji et al. 2013, arXiv 1306.5151), as its archive is laid out.

    fgvc-aircraft-2013b/data/variants.txt               707-320
    fgvc-aircraft-2013b/data/images_variant_test.txt    1514522 707-320     held out
    fgvc-aircraft-2013b/data/images_variant_trainval.txt                    looked up in
    fgvc-aircraft-2013b/data/images/1514522.jpg

Sources: the archive's README, torchvision/datasets/fgvc_aircraft.py. A strip of 20 pixels with the photographer's name
is at the bottom of each picture; metrics see it as it is.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from imagerag.errors import UserError
from imagerag.evaluation.loaders.class_images import ImageClass, Retrieval, RetrievalImage, class_suite
from imagerag.evaluation.loaders.data_folder import DataFolder, there
from imagerag.evaluation.loaders.json_rows import read_text
from imagerag.evaluation.records import Suite

ROOTS = ("fgvc-aircraft-2013b/data", "data", ".")
LICENCE = "non-commercial research only, as its README says"


def load_aircraft(folder: DataFolder) -> Suite:
    """Return the suite of all variants.

    Raises:
        UserError: a file is missing, or its lines are others than above.
    """
    root = _root(folder)
    held_out = _pictures(root, "test")
    absent, classes = 0, []
    for name in filter(None, map(str.strip, read_text(root / "variants.txt").splitlines())):
        files, lacking = there(held_out.get(name, ()))
        absent += lacking
        classes.append(ImageClass(name, name, tuple(files)))
    notes = [f"{absent} pictures of the test half are not there"] if absent else []
    return class_suite(folder, classes, licence=LICENCE, notes=notes)


def aircraft_retrieval(folder: DataFolder) -> Retrieval:
    """Yield the pictures of the halves for training and validation."""
    for name, files in _pictures(_root(folder), "trainval").items():
        yield from (RetrievalImage(file, name) for file in files)


def _root(folder: DataFolder) -> Path:
    return folder.file(*(f"{root}/variants.txt".removeprefix("./") for root in ROOTS)).parent


def _pictures(root: Path, half: str) -> dict[str, list[Path]]:
    listed = root / f"images_variant_{half}.txt"
    by_class: defaultdict[str, list[Path]] = defaultdict(list)
    for number, line in enumerate(read_text(listed).splitlines(), 1):
        key, _, name = line.strip().partition(" ")
        if not name:
            raise UserError(f"{listed}:{number} is no picture with its variant: {line.strip()[:60]!r}")
        by_class[name.strip()].append(root / "images" / f"{key}.jpg")
    return dict(by_class)
