"""ImageNet (ILSVRC 2012), as torchvision lays it out, or as Kaggle hands it out.

    train/n01440764/*.JPEG        looked up in
    val/n01440764/*.JPEG          held out; or val/*.JPEG with LOC_val_solution.csv
    LOC_synset_mapping.txt        n01440764 tench, Tinca tinca; synset_words.txt is the same

Kaggle has train and val in ILSVRC/Data/CLS-LOC. Sources: torchvision/datasets/imagenet.py, and the files of Kaggle's
``imagenet-object-localization-challenge``. Where no file names the 1,000 classes, open_clip's list does.

``imagenet-rare`` is the paper's reading. It takes each ImageNet class for a concept that text-to-image models may lack
and publishes no list of fewer; a person who has one puts it beside the pictures.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from imagerag.errors import UserError
from imagerag.evaluation.loaders.class_images import CLASS, ImageClass, Retrieval, RetrievalImage, class_suite
from imagerag.evaluation.loaders.data_folder import DataFolder, pictures_in
from imagerag.evaluation.loaders.json_rows import read_text
from imagerag.evaluation.records import Suite

ROOTS = (".", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", "CLS-LOC")
SYNSET = re.compile(r"n\d{8}")
MAPPINGS = ("LOC_synset_mapping.txt", "synset_words.txt")
SOLUTION = "LOC_val_solution.csv"
RARE = "rare_classes.txt"
"""A synset or a class's name a line: the classes of ``imagenet-rare``."""
LICENCE = "ImageNet's terms of access: non-commercial research and education"
PAPERS_SET = "the paper looks up in 350,000 pictures of LAION, not in ImageNet's training half"


def load_imagenet(folder: DataFolder) -> Suite:
    """Return the suite of all classes.

    Raises:
        UserError: the pictures are not there, or nothing names the classes.
    """
    classes, notes = _classes(folder)
    return class_suite(
        folder, classes, licence=LICENCE, retrieval=_train(folder), stratum=CLASS, notes=[*notes, PAPERS_SET]
    )


def load_imagenet_rare(folder: DataFolder) -> Suite:
    """Return the suite of the classes that ``rare_classes.txt`` lists, or of all where there is no such file.

    Raises:
        UserError: as ``load_imagenet`` does, or the file lists something that is no class.
    """
    classes, notes = _classes(folder)
    listed = folder.maybe_file(RARE)
    if listed is None:
        notes.append(f"there is no {RARE}, so that every class counts as rare, as in the paper")
    else:
        classes = _listed(listed, classes)
    return class_suite(
        folder, classes, licence=LICENCE, retrieval=_train(folder), stratum="rare", notes=[*notes, PAPERS_SET]
    )


def imagenet_retrieval(folder: DataFolder) -> Retrieval:
    """Yield the pictures of the training half."""
    train = _train(folder)
    if not train:
        raise folder.missing("no folder 'train'")
    for synset in _synsets(Path(train)):
        yield from (RetrievalImage(file, synset) for file in pictures_in(Path(train) / synset))


def _train(folder: DataFolder) -> str:
    return next((str(folder.path / root / "train") for root in ROOTS if (folder.path / root / "train").is_dir()), "")


def _synsets(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if SYNSET.fullmatch(each.name) and each.is_dir())


def _classes(folder: DataFolder) -> tuple[list[ImageClass], list[str]]:
    held_out = folder.folder(*(f"{root}/val".removeprefix("./") for root in ROOTS))
    sorted_in = _synsets(held_out)
    if sorted_in:
        pictures: Mapping[str, Sequence[Path]] = {synset: pictures_in(held_out / synset) for synset in sorted_in}
    else:
        pictures = _by_solution(folder, held_out)
    names, notes = _names(folder, sorted(pictures))
    unnamed = [synset for synset in pictures if synset not in names]
    if unnamed:
        raise folder.missing(f"no name of class {unnamed[0]!r} (and {len(unnamed) - 1} others) in {MAPPINGS[0]}")
    return [ImageClass(key, names[key], tuple(pictures[key])) for key in sorted(pictures)], notes


def _by_solution(folder: DataFolder, held_out: Path) -> dict[str, list[Path]]:
    """Return the pictures of a flat validation folder by synset, as the solution file tells."""
    solution = folder.maybe_file(SOLUTION, f"ILSVRC/{SOLUTION}")
    if solution is None:
        raise folder.missing(f"neither folders of classes in {folder.relative(held_out)!r} nor {SOLUTION!r}")
    files = {file.stem: file for file in pictures_in(held_out)}
    by_class: defaultdict[str, list[Path]] = defaultdict(list)
    # ImageId,PredictionString: ILSVRC2012_val_00048981,n03995372 85 1 499 272, one or several boxes of one class
    for number, row in enumerate(csv.reader(read_text(solution).splitlines()), 1):
        if number == 1 and row[:1] == ["ImageId"]:
            continue
        synset = row[1].split()[0] if len(row) > 1 and row[1].split() else ""
        if not SYNSET.fullmatch(synset):
            raise UserError(f"{solution}:{number} names no synset; the second column begins with one, as in n01440764")
        if row[0] in files:
            by_class[synset].append(files[row[0]])
    return dict(by_class)


def _names(folder: DataFolder, synsets: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    mapping = folder.maybe_file(*MAPPINGS, *(f"{root}/{name}" for root in ROOTS for name in MAPPINGS))
    if mapping is not None:
        return dict(_mapped(mapping)), []
    if len(synsets) == 1000:
        from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES

        return dict(zip(synsets, IMAGENET_CLASSNAMES, strict=True)), ["the classes are named by open_clip's list"]
    raise folder.missing(f"no {MAPPINGS[0]!r} that names the classes, and {len(synsets)} classes in place of 1,000")


def _mapped(mapping: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(read_text(mapping).splitlines(), 1):
        if line.strip():
            synset, _, words = line.strip().partition(" ")
            if not SYNSET.fullmatch(synset) or not words.strip():
                raise UserError(f"{mapping}:{number} is no synset with its words: {line.strip()[:60]!r}")
            yield synset, words.split(",")[0].strip()


def _listed(listed: Path, classes: Sequence[ImageClass]) -> list[ImageClass]:
    known = {key: each for each in reversed(classes) for key in (each.key, each.name.lower())}
    chosen: dict[str, ImageClass] = {}
    for number, line in enumerate(read_text(listed).splitlines(), 1):
        told = line.partition("#")[0].strip()
        if told:
            found = known.get(told) or known.get(told.lower())
            if found is None:
                raise UserError(
                    f"{listed}:{number} names no class of this set: {told!r}; give a synset or a class's name"
                )
            chosen[found.key] = found
    return list(chosen.values())
