"""GenEval 2: 800 prompts with questions and their right answers (Kamath et al. 2025, arXiv 2512.16853).

    geneval2_data.jsonl    {"prompt", "atom_count": 3..10, "vqa_list": [[question, answer]], "skills": [skill]}

Source: github.com/facebookresearch/GenEval2 (README.md, evaluation.py), CC BY-NC 4.0: read from the person's copy,
never bundled. Its score is Soft-TIFA: the metrics ``soft-tifa`` (mean of the questions' probabilities) and
``soft-tifa-gm`` (their geometric mean, which is the one that its table gives).
"""

from __future__ import annotations

import re

from imagerag.evaluation.loaders.data_folder import DataFolder
from imagerag.evaluation.loaders.json_rows import Row, read_json_lines
from imagerag.evaluation.loaders.prompt_names import prompt_name
from imagerag.evaluation.records import Concept, ConceptKind, Suite, SuitePrompt
from imagerag.prompt_grammar.vocabulary import NUMBERS

FILE = "geneval2_data.jsonl"
LICENCE = "CC-BY-NC-4.0"

SKILLS: dict[str, ConceptKind] = {
    "object": "thing",
    "count": "count",
    "attribute": "thing",
    "position": "relation",
    "verb": "relation",
}
"""What its skills are here; attributes that are colours are told apart, others (stone, striped) make another thing."""
COLOURS = frozenset(
    ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey", "gray")
)

_COUNT = re.compile(r"How many (?P<thing>.+) are in the image\?")
_OBJECT = re.compile(r"(?:Is|Are) there (?:any|an?) (?P<thing>.+) in the image\?")
_ATTRIBUTE = re.compile(r"(?:Is|Are) the (?P<thing>.+) (?P<value>\S+)\?")
_RELATION = re.compile(
    r"(?:Is|Are) the (?P<thing>.+?) (?P<value>in front of|behind|under|on top of|above|below|beside|next to|inside|"
    r"to the left of|to the right of|\w+ing(?: \w+)?) the (?P<other>.+)\?"
)


def load_geneval2(folder: DataFolder) -> Suite:
    """Return the suite; prompts of as many atoms are a stratum.

    Raises:
        UserError: the file is missing, or a line of it has not the fields above.
    """
    prompts = []
    for number, row in enumerate(read_json_lines(folder.file(FILE, f"GenEval2/{FILE}")), 1):
        text = row.text("prompt")
        stratum = f"atoms-{row.text('atom_count')}"
        prompts.append(SuitePrompt(prompt_name(number, text), text, _concepts(row), stratum))
    notes = ("GenEval 2 may not be used commercially",)
    return Suite(folder.suite, tuple(prompts), licence=LICENCE, source=folder.source, notes=notes)


def _concepts(row: Row) -> tuple[Concept, ...]:
    questions, skills = row.items("vqa_list"), row.items("skills")
    if len(questions) != len(skills) or not questions:
        raise row.error(f"has {len(questions)} questions and {len(skills)} skills; each question has one")
    concepts = []
    for asked, skill in zip(questions, skills, strict=True):
        if not (isinstance(asked, list) and len(asked) == 2 and all(isinstance(each, str) for each in asked)):
            raise row.error(f"has {asked!r} in 'vqa_list', no question with its answer")
        if skill not in SKILLS:
            raise row.error(f"has the skill {skill!r}; there are {', '.join(SKILLS)}")
        concepts.append(_concept(row, asked[0], asked[1], skill))
    return tuple(concepts)


def _concept(row: Row, question: str, answer: str, skill: str) -> Concept:
    if skill == "count":
        found = _COUNT.fullmatch(question)
        count = answer if answer.isdigit() else str(NUMBERS.index(answer.lower())) if answer.lower() in NUMBERS else ""
        if found is None or not answer or not count:
            raise row.error(f"asks {question!r} for {answer!r}; a count is asked as 'How many ... are in the image?'")
        # No question of its own: metrics ask how many there are, as GenEval 2 does, and not whether there are so many.
        return Concept(f"{answer} {found['thing']}", "count", found["thing"], count)
    if answer.lower() != "yes":
        raise row.error(f"expects {answer!r} of {question!r}; all but counts are answered with yes")
    patterns = {"object": _OBJECT, "attribute": _ATTRIBUTE}
    found = patterns.get(skill, _RELATION).fullmatch(question)
    if found is None:
        return Concept(question.rstrip("?"), SKILLS[skill], question=question)
    thing, value = found["thing"], found.groupdict().get("value", "")
    if skill == "object":
        return Concept(thing, "thing", thing, question=question)
    if skill == "attribute":
        kind: ConceptKind = "colour" if value.lower() in COLOURS else SKILLS[skill]
        return Concept(f"{value} {thing}", kind, thing, value, question=question)
    other = found["other"]
    return Concept(f"{thing} {value} {other}", "relation", thing, value.removeprefix("to the "), other, question)
