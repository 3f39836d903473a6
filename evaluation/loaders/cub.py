"""CUB-200-2011: 200 kinds of birds (Wah et al. 2011), as its archive is laid out.

    CUB_200_2011/images.txt             1 001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg
    CUB_200_2011/classes.txt            1 001.Black_footed_Albatross
    CUB_200_2011/image_class_labels.txt 1 1
    CUB_200_2011/train_test_split.txt   1 0    1 is training: looked up in; 0 is test: held out
    CUB_200_2011/images/001.Black_footed_Albatross/*.jpg

Source: the archive's README.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from imagerag.errors import UserError
from imagerag.evaluation.loaders.class_images import ImageClass, Retrieval, RetrievalImage, class_suite
from imagerag.evaluation.loaders.data_folder import DataFolder, there
from imagerag.evaluation.loaders.json_rows import read_text
from imagerag.evaluation.records import Suite

ROOTS = ("CUB_200_2011", ".")
LICENCE = "none stated; non-commercial research, the pictures are their photographers'"


def load_cub(folder: DataFolder) -> Suite:
    """Return the suite of all kinds of birds.

    Raises:
        UserError: a file is missing, or its lines are others than above.
    """
    root = _root(folder)
    names = _table(root / "classes.txt")
    absent, by_class = 0, {}
    for key, files in _pictures(root, training=False).items():
        by_class[key], lacking = there(files)
        absent += lacking
    classes = [ImageClass(key, _in_words(name), tuple(by_class.get(key, ()))) for key, name in names.items()]
    notes = [f"{absent} pictures that images.txt lists are not there"] if absent else []
    return class_suite(folder, classes, licence=LICENCE, notes=notes)


def cub_retrieval(folder: DataFolder) -> Retrieval:
    """Yield the pictures of the training half."""
    for key, files in _pictures(_root(folder), training=True).items():
        yield from (RetrievalImage(file, key) for file in files)


def _root(folder: DataFolder) -> Path:
    return folder.file(*(f"{root}/images.txt".removeprefix("./") for root in ROOTS)).parent


def _pictures(root: Path, training: bool) -> dict[str, list[Path]]:
    files, labels = _table(root / "images.txt"), _table(root / "image_class_labels.txt")
    by_class: defaultdict[str, list[Path]] = defaultdict(list)
    for number, half in _table(root / "train_test_split.txt").items():
        if (half == "1") is training:
            try:
                by_class[labels[number]].append(root / "images" / files[number])
            except KeyError as error:
                raise UserError(
                    f"picture {number!r} of {str(root)!r} has no file or no class; unpack it again"
                ) from error
    return dict(by_class)


def _table(file: Path) -> dict[str, str]:
    """Return what stands behind each number."""
    rows = {}
    for number, line in enumerate(read_text(file).splitlines(), 1):
        key, _, value = line.strip().partition(" ")
        if not value:
            raise UserError(f"{file}:{number} is no number with something behind it: {line.strip()[:60]!r}")
        rows[key] = value.strip()
    return rows


def _in_words(name: str) -> str:
    """Return a folder's name in words: ``001.Black_footed_Albatross`` is the black footed albatross."""
    return name.partition(".")[2].replace("_", " ") or name
