"""T2I-FactualBench: 3,000 prompts about 1,600 rare concepts, in three levels (Huang et al. 2024, arXiv 2412.04300).

    data/prompts/SKCM/prompt.jsonl   one concept, remembered       {"concept": ["heckelphone"], "type": ["music"],
    data/prompts/SKCI/prompt.jsonl   one concept, in a situation    "sentence": ..., "reference_image": [path],
    data/prompts/MKCC/prompt.jsonl   several concepts together      "addition": [...], "task": "action"}
    data/**/animal/heckelphone.jpg   from concept_image.tar.gz, by data/download.py

Source: github.com/Safeoffellow/T2I-FactualBench at commit 98511ef, Apache-2.0. The paths of reference pictures are
those of its makers' machine; the last two parts of each are looked for below the folder. Its score is a chat model's,
which sees the reference pictures in several rounds; here its concepts and additions are questions of the metric
``soft-tifa``, and the pictures are what DINO compares with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from imagerag.evaluation.loaders.data_folder import DataFolder, pictures_below
from imagerag.evaluation.loaders.json_rows import Row, read_json_lines
from imagerag.evaluation.loaders.prompt_names import prompt_name
from imagerag.evaluation.records import Concept, Suite, SuitePrompt

LEVELS = ("SKCM", "SKCI", "MKCC")
FOLDERS = ("data/prompts", "prompts", ".")
OF_ONE = ("attribute", "size", "differentiating")
"""Tasks whose additions tell how each concept looks, in order; a place that comes last has none."""
LICENCE = "Apache-2.0; the pictures are from the web, and have terms of their own"


def load_factualbench(folder: DataFolder) -> Suite:
    """Return the suite; its levels are the strata.

    Raises:
        UserError: a level is missing, or a line of it has not the fields above.
    """
    pictures = {(file.parent.name, file.name): file for file in pictures_below(folder.path)}
    prompts, absent = [], 0
    for level in LEVELS:
        rows = read_json_lines(folder.file(*(f"{each}/{level}/prompt.jsonl".removeprefix("./") for each in FOLDERS)))
        for number, row in enumerate(rows, 1):
            text = row.text("sentence")
            places = [PurePosixPath(told).parts[-2:] for told in row.texts("reference_image")]
            found = [pictures[place] for place in places if place in pictures]
            absent += len(places) - len(found)
            name = prompt_name(f"{level}-{number:04d}", text)
            prompts.append(SuitePrompt(name, text, _concepts(row), level, images=_relative(folder, found)))
    notes = ["measured by questions on its concepts, not by its makers' rounds: not comparable with their table"]
    if absent:
        notes.append(f"{absent} reference pictures are not there; data/download.py of its repository gets them")
    return Suite(folder.suite, tuple(prompts), licence=LICENCE, source=folder.source, notes=tuple(notes))


def _relative(folder: DataFolder, files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(folder.relative(file) for file in files)


def _concepts(row: Row) -> tuple[Concept, ...]:
    names = [name.replace("_", " ") for name in row.texts("concept")]
    if not names:
        raise row.error("has no 'concept'")
    things = [Concept(name, "thing", name) for name in names]
    added = [each.rstrip(".") for each in row.texts("addition") if each]
    if row.text("task", "") in OF_ONE:
        if len(added) > len(names):
            raise row.error(f"has {len(added)} in 'addition' for {len(names)} concepts")
        return (*things, *(_looks(name, each) for name, each in zip(names, added, strict=False)))
    return (
        *things,
        *(Concept(each, "relation", names[0], question=f"Is this to be seen: {each!r}?") for each in added),
    )


def _looks(thing: str, how: str) -> Concept:
    return Concept(f"{how} {thing}", "thing", thing, how, question=f"Is the {thing} {how.lower()}?")
