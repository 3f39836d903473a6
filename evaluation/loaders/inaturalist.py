"""iNaturalist, in the layouts of its competitions of 2017, 2018 and 2021 (Van Horn et al. 2018 and 2021).

    val2017.json, val2018.json, val.json      {"images": [{"id", "file_name"}], "annotations": [{"image_id",
                                              "category_id"}], "categories": [{"id", "name", "supercategory"}]}
    categories.json                           of 2018, whose own categories are numbers: [{"id", "name"}]
    train2017.json, train2018.json, train_mini.json, train.json   the same, of the pictures that are looked up in
    val/00000_Animalia_Annelida_Clitellata_Haplotaxida_Lumbricidae_Lumbricus_terrestris/*.jpg   2021 without its JSON

The prompt is the scientific name, as in the paper. Source: github.com/visipedia/inat_comp, README of each year.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from imagerag.evaluation.loaders.class_images import ImageClass, Retrieval, RetrievalImage, class_suite
from imagerag.evaluation.loaders.data_folder import DataFolder, pictures_in, there
from imagerag.evaluation.loaders.json_rows import Row, read_json_list, read_json_object
from imagerag.evaluation.records import Suite

HELD_OUT = ("val2017.json", "val2018.json", "val2019.json", "val.json")
TRAINING = ("train2017.json", "train2018.json", "train2019.json", "train_mini.json", "train.json")
LICENCE = "non-commercial research and education; each picture has a licence of its own"
RANKS = 8
"""Parts of a folder's name of 2021: a number, then kingdom, phylum, class, order, family, genus and species."""


def load_inaturalist(folder: DataFolder) -> Suite:
    """Return the suite of all species, by the numbers of their categories.

    Raises:
        UserError: neither annotations nor folders of 2021 are there, or annotations lack a field.
    """
    annotations = folder.maybe_file(*HELD_OUT)
    if annotations is None:
        return class_suite(folder, _of_folders(folder), licence=LICENCE, retrieval=_train(folder))
    told = read_json_object(annotations)
    pictures = _by_category(folder, annotations, told)
    names = _names(folder, annotations, told)
    absent, classes = 0, []
    for key, name in sorted(names.items(), key=lambda each: (len(each[0]), each[0])):
        files, lacking = there(pictures.get(key, ()))
        absent += lacking
        classes.append(ImageClass(key, name, tuple(files)))
    notes = [f"{absent} pictures that {annotations.name} lists are not there"] if absent else []
    return class_suite(folder, classes, licence=LICENCE, retrieval=_train(folder), notes=notes)


def inaturalist_retrieval(folder: DataFolder) -> Retrieval:
    """Yield the pictures for training."""
    annotations = folder.maybe_file(*TRAINING)
    if annotations is not None:
        for key, files in _by_category(folder, annotations, read_json_object(annotations)).items():
            yield from (RetrievalImage(file, key) for file in files)
        return
    for each in sorted(folder.folder("train", "train_mini").iterdir()):
        if each.is_dir():
            yield from (RetrievalImage(file, each.name) for file in pictures_in(each))


def _train(folder: DataFolder) -> str:
    """Return the folder with pictures for training, where it has no others in it: not so in 2017 and 2018."""
    return next((str(folder.path / name) for name in ("train", "train_mini") if (folder.path / name).is_dir()), "")


def _of_folders(folder: DataFolder) -> list[ImageClass]:
    held_out = folder.path / "val"
    if not held_out.is_dir():
        raise folder.missing(f"neither {' nor '.join(map(repr, HELD_OUT))} nor a folder 'val'")
    classes = []
    for each in sorted(held_out.iterdir()):
        ranks = each.name.split("_")
        if len(ranks) >= RANKS and ranks[0].isdigit():
            classes.append(ImageClass(ranks[0], " ".join(ranks[RANKS - 2 :]), tuple(pictures_in(each))))
    return classes


def _by_category(folder: DataFolder, annotations: Path, told: dict[str, Any]) -> dict[str, list[Path]]:
    files = {row.text("id"): row.text("file_name") for row in _rows(annotations, told, "images")}
    by_category: defaultdict[str, list[Path]] = defaultdict(list)
    for row in _rows(annotations, told, "annotations"):
        image = row.text("image_id")
        if image not in files:
            raise row.error(f"is of picture {image!r}, which is not listed")
        by_category[row.text("category_id")].append(folder.path / files[image])
    return dict(by_category)


def _names(folder: DataFolder, annotations: Path, told: dict[str, Any]) -> dict[str, str]:
    names = {row.text("id"): row.text("name") for row in _rows(annotations, told, "categories")}
    apart = folder.maybe_file("categories.json")
    if apart is not None:
        names |= {row.text("id"): row.text("name") for row in read_json_list(apart)}
    if names and all(name.isdigit() for name in names.values()):
        raise folder.missing("numbers in place of names, and no 'categories.json' with the names")
    return names


def _rows(annotations: Path, told: dict[str, Any], key: str) -> list[Row]:
    listed = Row(told, str(annotations)).items(key)
    if not listed:
        raise Row(told, str(annotations)).error(f"has nothing in {key!r}")
    return [
        Row(each if isinstance(each, dict) else {}, f"{annotations}, {key} {number}")
        for number, each in enumerate(listed, 1)
    ]
