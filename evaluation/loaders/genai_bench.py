"""GenAI-Bench: 1,600 prompts of designers, tagged by skill (Li et al. 2024, arXiv 2406.13743).

    genai_image.json     {"00001": {"id": "00001", "prompt": ...}}
    genai_skills.json    {"counting": [27, 31], "basic": [1, 2], "advanced": [27, 31], "all": [1, 2, 27, 31]}
    data/train-*.parquet of the same set on the hub: Index, Prompt, Tags {"basic": [...], "advanced": [...]}

The first two are BaiqiL/GenAI-Bench-1600 (or zhiqiulin/GenAI-Bench-527, the prompts of the VQAScore paper), the last is
BaiqiL/GenAI-Bench. Sources: github.com/linzhiqiu/t2v_metrics, dataset.py and genai_bench/evaluate.py; the data sets'
cards. Its score is VQAScore of the prompt: the metric ``vqascore``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from imagerag.errors import UserError
from imagerag.evaluation.loaders.data_folder import DataFolder
from imagerag.evaluation.loaders.json_rows import Row, read_json_object
from imagerag.evaluation.loaders.prompt_names import prompt_name
from imagerag.evaluation.records import Suite, SuitePrompt
from imagerag.index.user.sources.records import read_parquet

PROMPTS, SKILLS = "genai_image.json", "genai_skills.json"
FOLDERS = ("", "GenAI-Image-1600/", "GenAI-Image-527/")
LICENCE = "Apache-2.0"
STRATA = ("advanced", "basic")
"""A prompt with a skill of the first belongs to it, whatever basic skills it has besides."""
UNTAGGED = "untagged"


def load_genai_bench(folder: DataFolder) -> Suite:
    """Return the suite.

    Raises:
        UserError: no such file is there, or has other fields than above.
    """
    listed = folder.maybe_file(*(f"{each}{PROMPTS}" for each in FOLDERS))
    tables = sorted((folder.path / "data").glob("*.parquet")) or sorted(folder.path.glob("*.parquet"))
    if listed is not None:
        prompts = _of_json(folder, listed)
    elif tables:
        prompts = _of_parquet(tables)
    else:
        raise folder.missing(f"neither {PROMPTS!r} nor Parquet files")
    untagged = sum(prompt.stratum == UNTAGGED for prompt in prompts)
    notes = (f"{untagged} prompts have no tag; its makers leave such out of their overall score",) if untagged else ()
    return Suite(folder.suite, tuple(prompts), licence=LICENCE, source=folder.source, notes=notes)


def _of_json(folder: DataFolder, listed: Path) -> list[SuitePrompt]:
    skills = folder.file(*(f"{each}{SKILLS}" for each in FOLDERS))
    tagged: defaultdict[str, set[str]] = defaultdict(set)
    for tag in STRATA:
        row = Row(read_json_object(skills), str(skills))
        for number in row.items(tag):
            if not str(number).isdigit():
                raise row.error(f"has {number!r} in {tag!r}, no number of a prompt")
            tagged[f"{int(number):05d}"].add(tag)
    prompts = []
    for key, values in read_json_object(listed).items():
        row = Row(values if isinstance(values, dict) else {}, f"{listed}, entry {key!r}")
        text = row.text("prompt")
        prompts.append(SuitePrompt(prompt_name(key, text), text, stratum=_stratum(tagged[key])))
    return prompts


def _of_parquet(tables: Sequence[Path]) -> list[SuitePrompt]:
    prompts = []
    for table in tables:
        try:
            # The images, most of the file, are not read.
            rows = read_parquet(table, ["Index", "Prompt", "Tags"])
        except UserError as error:
            raise UserError(
                f"{error}; give the set BaiqiL/GenAI-Bench, whose tables have Index, Prompt and Tags"
            ) from error
        for number, values in enumerate(rows, 1):
            row = Row(values, f"{table}, row {number}")
            text, tags = row.text("Prompt"), values.get("Tags") or {}
            stratum = _stratum(tag for tag in STRATA if tags.get(tag))
            prompts.append(SuitePrompt(prompt_name(row.text("Index").rjust(5, "0"), text), text, stratum=stratum))
    return prompts


def _stratum(tags: Iterable[str]) -> str:
    found = set(tags)
    return next((tag for tag in STRATA if tag in found), UNTAGGED)
