"""AgentGen-Bench, once SearchGen-Bench: 751 prompts, with and without need of a search (Wang et al. 2026, arXiv
2607.05382).

    eval_metadata.jsonl    {"bench_id", "user_prompt", "verification_checklist": [...], "evaluation_rubric": {...},
                           "visual_reference_slots": [{"relative_path", "entity"}], "text_knowledge_slots": [{...}]}
    the pictures that visual_reference_slots name, below the same folder

Source: github.com/HaozheH3/SearchGen, evaluation/ (docs/input_output_schema.md, searchgen_eval/dataset.py,
judge_common.py); the set is JasperHaozhe/AgentGen-Bench on the Hugging Face hub. The code is Apache-2.0; see the set's
card for its own terms.

Each item of a checklist is a question here. The makers' score has nine parts, which their own evaluator gives, a model
of 9 billion parameters that is served by vLLM; what is measured here is the first of them, and not comparable with
their table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagerag.evaluation.loaders.data_folder import DataFolder
from imagerag.evaluation.loaders.json_rows import Row, read_json_lines
from imagerag.evaluation.loaders.prompt_names import prompt_name
from imagerag.evaluation.records import Concept, Suite, SuitePrompt

FILE = "eval_metadata.jsonl"
LICENCE = "code Apache-2.0; the set's own terms are on its card"
MINI = "testmini"
NO_SEARCH, VISUAL, TEXTUAL = "no-search", "visual-search", "textual-search"
ITEM_KEYS = ("item", "criterion", "question", "text", "description")
"""Where an item of a checklist has its words, if it is an object."""


def load_agentgen(folder: DataFolder) -> Suite:
    """Return the suite; strata are by what has to be looked up: nothing, pictures, or texts alone.

    Raises:
        UserError: the file is missing, or a line of it has not the fields above.
    """
    return _suite(folder, read_json_lines(_file(folder)))


def load_agentgen_mini(folder: DataFolder) -> Suite:
    """Return the suite of the prompts that are tagged ``testmini``, 200 of them.

    Raises:
        UserError: as ``load_agentgen`` does, or none is tagged.
    """
    rows = [row for row in read_json_lines(_file(folder)) if MINI in _tags(row)]
    if not rows:
        raise folder.missing(f"no line of {FILE!r} whose field 'subset' has {MINI!r} in it")
    return _suite(folder, rows)


def _file(folder: DataFolder) -> Path:
    return folder.file(FILE, f"AgentGen-Bench/{FILE}", f"SearchGen-Bench/{FILE}")


def _suite(folder: DataFolder, rows: list[Row]) -> Suite:
    root, seen, absent, prompts = _file(folder).parent, set[str](), 0, []
    for row in rows:
        key, text = row.text("bench_id"), row.text("user_prompt")
        if key in seen:
            raise row.error(f"has the bench_id {key!r} for a second time")
        seen.add(key)
        files = [_within(root, row, slot) for slot in row.items("visual_reference_slots")]
        images = tuple(folder.relative(file) for file in files if file.is_file())
        absent += len(files) - len(images)
        concepts = tuple(_concept(row, item) for item in row.items("verification_checklist"))
        if not concepts:
            raise row.error("has no 'verification_checklist'")
        prompts.append(SuitePrompt(prompt_name(key, ""), text, concepts, _stratum(row), images=images))
    notes = ["measured by its checklists alone, not by its makers' evaluator: not comparable with their table"]
    if absent:
        notes.append(f"{absent} pictures that {FILE} names are not there")
    return Suite(folder.suite, tuple(prompts), licence=LICENCE, source=folder.source, notes=tuple(notes))


def _stratum(row: Row) -> str:
    if row.items("visual_reference_slots"):
        return VISUAL
    return TEXTUAL if row.items("text_knowledge_slots") else NO_SEARCH


def _tags(row: Row) -> list[str]:
    told = row.values.get("subset") or row.values.get("tags") or []
    return [told] if isinstance(told, str) else list(told)


def _concept(row: Row, item: Any) -> Concept:
    words = next((item[key] for key in ITEM_KEYS if key in item), None) if isinstance(item, dict) else item
    if not isinstance(words, str) or not words.strip():
        raise row.error(f"has {item!r} in 'verification_checklist', no words of an item")
    words = words.strip()
    question = words if words.endswith("?") else f"Is this true of the image: {words!r}?"
    return Concept(words, "fact", question=question)


def _within(root: Path, row: Row, slot: Any) -> Path:
    """Return a picture's path, which may not lead out of the set's folder."""
    told = slot.get("relative_path") if isinstance(slot, dict) else None
    if not isinstance(told, str) or not told:
        raise row.error(f"has {slot!r} in 'visual_reference_slots', no 'relative_path'")
    file = root / told
    if not file.resolve().is_relative_to(root.resolve()):
        raise row.error(f"names a picture outside of the set: {told!r}")
    return file
