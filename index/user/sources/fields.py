"""What a record tells of a picture: a row of a table, or JSON beside it, by whatever names its maker has chosen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imagerag.errors import UserError
from imagerag.index.user.sources.short_text import CAPTION_LENGTH, one_line
from imagerag.index.user.sources.texts import decode_text
from imagerag.index.user.sources.written_values import written_value

FIELDS = {
    "caption": (
        "caption",
        "captions",
        "caption_text",
        "image_caption",
        "text",
        "texts",
        "txt",
        "alt",
        "alt_text",
        "prompt",
        "description",
        "sentences",
        "sentence",
        "comment",
    ),
    "title": ("title",),
    "source": ("source", "url", "image_url"),
    "licence": ("licence", "license", "licenses", "license_name"),
}
"""What the fields of an item are called in JSON beside pictures, and in tables, as ``plain_name`` writes them: names of
img2dataset, Hugging Face, open_clip, Kohya's scripts and COCO among them; the first that says something counts."""
TAGS = ("tags", "tag_string", "keywords")
"""Behind a caption, as Kohya's scripts put them, or in its place."""
NESTED = ("json",)
"""Columns that hold a whole record: what WebDataset's JSON becomes in a table."""
_COLUMNS = frozenset({*NESTED, *TAGS, *(name for names in FIELDS.values() for name in names)})
_NUMBERED = re.compile(rf"({'|'.join(FIELDS['caption'])})[_.]?([0-9]{{1,4}})")
"""One of several captions, each in a column of its own: ``caption_1``, ``sentence2``."""

DEPTH = 4
"""Lists and objects within each other, in place of a text, that still are looked into."""
_SAYS = (
    "spdx_id",
    "spdx",
    "identifier",
    "caption",
    "text",
    "raw",
    "sentence",
    "value",
    "@value",
    "en",
    "name",
    "title",
    "label",
    "description",
    "url",
    "id",
)
"""Of an object in place of a text, the entry that stands for it."""
_NOTHING = frozenset({"nan", "NaN", "<NA>", "None", "null", "NULL"})
"""How programs write that there is no value, where a text is wanted."""


def fields_of(record: Mapping[Any, Any], caption: str | None = None) -> dict[str, str]:
    """Return what a record tells of a picture, by the names of an ``Item``'s attributes; only what is there.

    Several captions are put into one, with semicolons between them; tags follow behind a comma.

    Args:
        record: any values; what says nothing is left out: empty texts, NaN, and its kind.
        caption: the name of the entry that is the caption before any other, as the record writes it.
    """
    plain = _plain(record)
    for name in NESTED:
        inner = _object(plain.get(name))
        plain = {**_plain(inner), **plain} if inner else plain
    found = {}
    notes = []
    for field, names in FIELDS.items():
        values = [plain.get(name) for name in names]
        if field == "caption":
            values = [_with_numbered(value, plain, name) for value, name in zip(values, names, strict=True)]
        if field == "caption" and caption is not None:
            values.insert(0, record.get(caption))
        said = next(filter(None, map(words_of, values)), "")
        if field == "caption":
            tags = next(filter(None, (words_of(plain.get(name), ", ") for name in TAGS)), "")
            said = with_tags(said, tags)
        if len(said) > CAPTION_LENGTH:
            notes.append(cut(field, said))
        if said:
            found[field] = said[:CAPTION_LENGTH]
    return found | ({"note": "; ".join(notes)} if notes else {})


def tells_of_picture(name: object) -> bool:
    """Tell whether ``fields_of`` looks at a column or entry of that name."""
    plain = plain_name(name)
    return plain in _COLUMNS or _NUMBERED.fullmatch(plain) is not None


def both(fields: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of two records of one picture: of the first where it has them, and the captions of both."""
    captions = fields_of({"caption": [fields.get("caption"), others.get("caption")]})
    return joined(others, fields, captions)


def with_tags(caption: str, tags: str) -> str:
    """Return a caption with its tags behind it, once."""
    return ", ".join(dict.fromkeys(filter(None, (caption, tags))))


def cut(field: str, said: str) -> str:
    """Return the note that a text is too long to be kept whole."""
    return f"has a {field} of {len(said)} characters; the first {CAPTION_LENGTH} are kept"


def joined(*parts: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of several sources, the later before the earlier, with the notes of all."""
    whole: dict[str, str] = {}
    for part in parts:
        notes = [*filter(None, (whole.get("note"), part.get("note")))]
        whole |= part
        if notes:
            whole["note"] = "; ".join(dict.fromkeys(notes))
    return whole


def plain_name(name: object) -> str:
    """Return the name of a column or entry as ``FIELDS`` writes it: ``File Name`` becomes ``file_name``."""
    return "_".join(str(name).replace("-", " ").lower().split())


def words_of(value: Any, between: str = "; ", depth: int = DEPTH) -> str:
    """Return what a value says, in one line; empty if it says nothing.

    Args:
        value: a text, a list of values, an object, a number, or anything else.
        between: stands between the values of a list.
        depth: lists and objects within each other that are looked into; what lies deeper says nothing.
    """
    if depth < 0 or value is None or isinstance(value, bool) or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, bytes):
        try:
            value = decode_text(value, "").text
        except UserError:
            return ""
    if isinstance(value, str):
        written = written_value(value)
        if written is not None and _is_words(written):
            return words_of(written, between, depth - 1)
        text = one_line(value)
        return "" if text in _NOTHING else text
    if isinstance(value, Mapping):
        plain = _plain(value)
        known = [plain[name] for name in _SAYS if name in plain]
        return next(filter(None, (words_of(one, between, depth - 1) for one in [*known, *plain.values()])), "")
    if isinstance(value, Iterable):
        return between.join(dict.fromkeys(filter(None, (words_of(one, between, depth - 1) for one in value))))
    text = one_line(str(value))
    return "" if text in _NOTHING else text


def described(value: Any) -> dict[str, str] | None:
    """Return what JSON in place of a record says: an object, a text, or a list of these; ``None`` if it is none."""
    if isinstance(value, Mapping):
        return fields_of(value)
    if isinstance(value, str):
        return fields_of({"caption": value})
    if isinstance(value, Sequence) and value and all(isinstance(one, str) for one in value):
        return fields_of({"caption": value})
    if isinstance(value, Sequence) and value and all(isinstance(one, Mapping) for one in value):
        parts = [fields_of(one) for one in value]
        captions = fields_of({"caption": [part.get("caption") for part in parts]})
        return joined(*reversed(parts), captions)
    return None


def _plain(record: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the entries that have a value, by plain names; of two of the same, the one that is written plainly."""
    there = {name: value for name, value in record.items() if value is not None and value != ""}
    plain = {plain_name(name): value for name, value in reversed(there.items())}
    return plain | {name: value for name, value in there.items() if plain_name(name) == name}


def _with_numbered(value: Any, plain: Mapping[str, Any], name: str) -> Any:
    """Return the value of an entry with those behind it that have the same name and a number, in the numbers' order."""
    found = [(match, other) for other in plain if (match := _NUMBERED.fullmatch(other)) and match[1] == name]
    numbered = sorted((int(match[2]), other) for match, other in found)
    return [value, *(plain[other] for _, other in numbered)] if numbered else value


def _object(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        value = written_value(value)
    return value if isinstance(value, Mapping) else None


def _is_words(value: Any) -> bool:
    """Tell whether a value that a text holds stands for words: ``["a", 1]`` and ``{"seed": 1}`` may be a text."""
    if isinstance(value, Mapping):
        return not value or any(name in _SAYS for name in _plain(value))
    if isinstance(value, (list, tuple)):
        return all(map(_is_words, value))
    return value is None or isinstance(value, str) or value != value
