"""A person's own suite: JSON lines, one prompt a line.

    {"prompt": "two owls on a red car"}
    {"prompt": "an axolotl", "name": "axolotl", "stratum": "lacking", "split": "test",
     "concepts": ["axolotl", {"text": "two axolotls", "kind": "count", "thing": "axolotl", "value": "2"}],
     "images": ["real/axolotl-1.jpg"]}

Only ``prompt`` is needed. A concept that is a text is a thing. Paths are relative to the file's folder. The first line
may tell of the whole instead: {"suite": "mine", "licence": ..., "source": ..., "retrieval": FOLDER, "notes": [...]}.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast, get_args

from imagerag.errors import UserError
from imagerag.evaluation.loaders.json_rows import Row, read_json_lines
from imagerag.evaluation.loaders.prompt_names import in_file_name, prompt_name
from imagerag.evaluation.records import Concept, ConceptKind, Split, Suite, SuitePrompt

_NAME = re.compile(r"(?!\.)[^/\\:\x00-\x1f\x7f]{1,100}")
"""Names a run's folder, and the library of its pictures: it leads to no other place."""
KEYS = ("prompt", "name", "concepts", "stratum", "split", "images")
SUITE_KEYS = ("suite", "licence", "source", "retrieval", "notes")
CONCEPT_KEYS = ("text", "kind", "thing", "value", "other", "question")
NEEDS = {
    "count": ("thing", "value"),
    "colour": ("thing", "value"),
    "relation": ("thing", "value", "other"),
    "absence": ("thing",),
    "text": ("value",),
}
"""What a concept of a kind has to tell, unless it has a question of its own."""


def load_own_file(file: Path) -> Suite:
    """Return the suite of a file.

    Raises:
        UserError: it can't be read, or a line is not as above; names file and line.
    """
    rows = read_json_lines(file)
    told = rows.pop(0) if rows and "suite" in rows[0].values else Row({}, str(file))
    _known(told, told.values, SUITE_KEYS)
    if not rows:
        raise UserError(f'{str(file)!r} has no prompts; give one a line, as in {{"prompt": "an owl"}}')
    prompts: dict[str, SuitePrompt] = {}
    for number, row in enumerate(rows, 1):
        prompt = _prompt(row, number, file.parent)
        if prompt.name in prompts:
            raise row.error(
                f"has the name {prompt.name!r} of an earlier prompt; names are told apart by a-z, 0-9 and -"
            )
        prompts[prompt.name] = prompt
    retrieval = told.text("retrieval", "")
    if retrieval and not (file.parent / retrieval).is_dir():
        raise told.error(f"names {retrieval!r} in 'retrieval', which is no folder in {str(file.parent)!r}")
    name = told.text("suite", file.stem)
    if not _NAME.fullmatch(name):
        raise told.error(f"has {name!r} in 'suite', of which a folder can't be made; give letters, digits, - and _")
    return Suite(
        name,
        tuple(prompts.values()),
        licence=told.text("licence", ""),
        source=told.text("source", "") or file.name,
        retrieval=str(file.parent / retrieval) if retrieval else "",
        notes=tuple(told.texts("notes")),
    )


def _prompt(row: Row, number: int, folder: Path) -> SuitePrompt:
    _known(row, row.values, KEYS)
    text, name = row.text("prompt"), row.text("name", "")
    split = row.text("split", "")
    if split not in get_args(Split):
        raise row.error(f"has {split!r} in 'split'; give development or test, or leave it out")
    images = row.texts("images")
    for image in images:
        if not (folder / image).is_file():
            raise row.error(f"names {image!r} in 'images', which is no file in {str(folder)!r}")
    if name and not in_file_name(name):
        raise row.error(f"has the name {name!r}, which has no letter of a-z or digit; leave it out, or give another")
    concepts = tuple(_concept(row, told) for told in row.items("concepts"))
    if len({concept.text for concept in concepts}) < len(concepts):
        raise row.error("has two concepts with the same 'text'; what is measured of each is told by it")
    return SuitePrompt(
        in_file_name(name) if name else prompt_name(number, text),
        text,
        concepts,
        stratum=row.text("stratum", ""),
        split=cast(Split, split),
        images=tuple(images),
    )


def _concept(row: Row, told: Any) -> Concept:
    if isinstance(told, str) and told.strip():
        return Concept(told.strip(), "thing", told.strip())
    if not isinstance(told, dict):
        raise row.error(f"has {told!r} in 'concepts'; give the name of a thing, or an object with 'text' and 'kind'")
    _known(row, told, CONCEPT_KEYS)
    fields = Row(told, row.place)
    text, kind = fields.text("text"), fields.text("kind", "thing")
    if kind not in get_args(ConceptKind):
        raise row.error(f"has the kind {kind!r}; there are {', '.join(get_args(ConceptKind))}")
    question = fields.text("question", "")
    for key in () if question else NEEDS.get(kind, ()):
        if not fields.text(key, ""):
            raise row.error(f"has a concept of kind {kind!r} without {key!r}: {text!r}; tell it, or give a 'question'")
    if kind == "count" and not question and not fields.text("value").isdigit():
        raise row.error(f"has {told['value']!r} as the value of a count; give digits")
    thing = fields.text("thing", "") or (text if kind == "thing" else "")
    return Concept(text, cast(ConceptKind, kind), thing, fields.text("value", ""), fields.text("other", ""), question)


def _known(row: Row, told: Iterable[str], keys: tuple[str, ...]) -> None:
    for key in told:
        if key not in keys:
            close = get_close_matches(key, keys, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(keys)}"
            raise row.error(f"has an unknown field {key!r}; {hint}")
