"""KITTEN: prompts about entities of eight domains, in five tasks (Huang et al. 2024, arXiv 2410.11824).

What its makers say of it: real entities of eight domains, five tasks of prompts for each, a support set of pictures for
models that look up, and an evaluation set of others to compare with (kitten-project.github.io,
github.com/hhsinping/kitten). Its files could not be read when this was written, so that what is expected of them is
this, and is told where it is not met:

    *.json, *.jsonl or *.csv    one prompt a row: prompt, entity, and where there are such columns domain and task
    eval*/**/ENTITY/*.jpg       pictures to compare with; a folder whose name begins with eval
    support*/**/ENTITY/*.jpg    pictures to look up in; a folder whose name begins with support

A folder belongs to an entity if both have the same letters and digits.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

from imagerag.evaluation.loaders.class_images import Retrieval, RetrievalImage
from imagerag.evaluation.loaders.data_folder import DataFolder, pictures_below
from imagerag.evaluation.loaders.json_rows import Row, read_json, read_json_lines, read_text
from imagerag.evaluation.loaders.prompt_names import in_file_name, prompt_name
from imagerag.evaluation.records import Concept, Suite, SuitePrompt

COLUMNS = {
    "prompt": ("prompt", "text", "caption"),
    "entity": ("entity", "entity_text", "entity_name", "concept", "name"),
    "domain": ("domain", "category"),
    "task": ("task", "task_name", "type"),
}
"""What a column may be called, in small letters."""
TABLES = (".jsonl", ".json", ".csv")
LICENCE = "see its repository"


def load_kitten(folder: DataFolder) -> Suite:
    """Return the suite; domains are the strata, or tasks where no domains are told.

    Raises:
        UserError: no table of prompts is there, or a row of it has no prompt or entity.
    """
    tables = sorted(file for file in folder.path.rglob("*") if file.suffix.lower() in TABLES and file.is_file())
    rows = [row for table in tables for row in _rows(table) if _value(row, "prompt") and _value(row, "entity")]
    if not rows:
        raise folder.missing("no table (.json, .jsonl or .csv) with columns 'prompt' and 'entity'")
    pictures = _by_entity(folder, "eval")
    prompts = []
    for number, row in enumerate(rows, 1):
        text, entity = _value(row, "prompt"), _value(row, "entity")
        images = tuple(folder.relative(file) for file in pictures[in_file_name(entity)])
        stratum = _value(row, "domain") or _value(row, "task")
        concepts = (Concept(entity, "thing", entity),)
        prompts.append(SuitePrompt(prompt_name(number, text), text, concepts, stratum, images=images))
    notes = ["read in a layout that was not checked against its makers' files"]
    without = sum(not prompt.images for prompt in prompts)
    if without:
        notes.append(f"{without} of {len(prompts)} prompts have no real picture to compare with")
    return Suite(
        folder.suite,
        tuple(prompts),
        licence=LICENCE,
        source=folder.source,
        retrieval=_folder_of(folder, "support"),
        notes=tuple(notes),
    )


def kitten_retrieval(folder: DataFolder) -> Retrieval:
    """Yield the pictures of the support set."""
    for entity, files in _by_entity(folder, "support").items():
        yield from (RetrievalImage(file, entity) for file in files)


def _folder_of(folder: DataFolder, beginning: str) -> str:
    found = sorted(each for each in folder.path.iterdir() if each.is_dir() and each.name.lower().startswith(beginning))
    return str(found[0]) if found else ""


def _by_entity(folder: DataFolder, beginning: str) -> dict[str, list[Path]]:
    by_entity: defaultdict[str, list[Path]] = defaultdict(list)
    place = _folder_of(folder, beginning)
    for file in pictures_below(Path(place)) if place else ():
        by_entity[in_file_name(file.parent.name)].append(file)
    return by_entity


def _rows(table: Path) -> list[Row]:
    if table.suffix.lower() == ".jsonl":
        return read_json_lines(table)
    if table.suffix.lower() == ".csv":
        rows = csv.DictReader(read_text(table).splitlines())
        return [Row(dict(values), f"{table}:{number}") for number, values in enumerate(rows, 2)]
    found: Any = read_json(table)
    listed = list(found.values()) if isinstance(found, dict) else found
    if not isinstance(listed, list):
        return []
    return [Row(each, f"{table}, entry {number}") for number, each in enumerate(listed, 1) if isinstance(each, dict)]


def _value(row: Row, column: str) -> str:
    named = {str(key).strip().lower(): key for key in row.values}
    key = next((named[name] for name in COLUMNS[column] if name in named), None)
    value = None if key is None else row.values[key]
    return value.strip() if isinstance(value, str) else ""
