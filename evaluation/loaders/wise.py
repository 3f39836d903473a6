"""WISE (verified): 1,000 prompts that need world knowledge, each with what it means (Niu et al. 2025, arXiv
2503.07265).

    data_verified/cultural_common_sense_verified.json, spatio-temporal_reasoning_verified.json,
    natural_science_verified.json: [{"Prompt", "Explanation", "Category", "Subcategory", "prompt_id": 1..1000}]
    data_verified/merge.json, all of them: read where one of the three is missing

Source: github.com/PKU-YuanGroup/WISE (README.md, vllm_eval.py, calculate_verified.py). No licence is stated. Its judge
is a chat model that gives 0 or 1 for each image; here it is asked by the metric ``soft-tifa``, one question a prompt.
The overall score weighs culture 0.40 and the others 0.12 each, which is the mean over all prompts, as it has as many of
each.
"""

from __future__ import annotations

from imagerag.evaluation.loaders.data_folder import DataFolder
from imagerag.evaluation.loaders.json_rows import Row, read_json_list
from imagerag.evaluation.loaders.prompt_names import prompt_name
from imagerag.evaluation.records import Concept, Suite, SuitePrompt

PARTS = (
    "cultural_common_sense_verified.json",
    "spatio-temporal_reasoning_verified.json",
    "natural_science_verified.json",
)
MERGED = "merge.json"
FOLDERS = ("data_verified/", "")
CATEGORIES = {
    "cultural knowledge": "culture",
    "time": "time",
    "space": "space",
    "biology": "biology",
    "physical knowledge": "physics",
    "chemistry": "chemistry",
}
"""Strata by the files' categories, as its score names them."""
LEGACY = "cultural_common_sense.json"


def load_wise(folder: DataFolder) -> Suite:
    """Return the suite.

    Raises:
        UserError: the files are missing, are those of the first release, or have other fields than above.
    """
    parts = {name: folder.maybe_file(*(f"{each}{name}" for each in FOLDERS)) for name in PARTS}
    files = [file for file in parts.values() if file is not None]
    if len(files) < len(PARTS):
        merged = folder.maybe_file(*(f"{each}{MERGED}" for each in FOLDERS))
        if merged is None:
            first = folder.maybe_file(LEGACY, f"data/{LEGACY}", f"WISE_legacy/data/{LEGACY}")
            if first is not None and not files:
                raise folder.missing("the prompts of the first release alone, and none of data_verified")
            raise folder.missing(f"no file {next(name for name in PARTS if parts[name] is None)!r}")
        files = [merged]
    prompts = [_prompt(row) for file in files for row in read_json_list(file)]
    return Suite(folder.suite, tuple(prompts), source=folder.source, notes=("its makers state no licence",))


def _prompt(row: Row) -> SuitePrompt:
    text, meaning = row.text("Prompt"), row.text("Explanation")
    category = row.text("Category")
    if category.lower() not in CATEGORIES:
        raise row.error(f"has the category {category!r}; there are {', '.join(CATEGORIES)}")
    question = (
        f"The image was asked for with these words: {text!r}. What they mean: {meaning!r}. Does the image show what "
        "they mean, clearly enough to be sure of it and without faults that spoil it?"
    )
    concept = Concept(meaning, "fact", question=question)
    key = row.text("prompt_id")
    name = prompt_name(int(key) if key.isdigit() else key, text)
    return SuitePrompt(name, text, (concept,), CATEGORIES[category.lower()])
