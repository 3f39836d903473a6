"""What is wrong with a table of somebody's TOML file, in one line: which key, and which one was meant."""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from imagerag.told_text import told_value

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


MOST_OF_A_RING = 8
"""Tables that are named of those that are like each other."""


def meant(name: str, known: Iterable[str]) -> str:
    """Return which known name somebody meant, or which there are where none is near."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(names)}"


def fault_in(error: ValidationError, model: type[BaseModel], keys: Sequence[str]) -> str:
    """Return the first thing that a table's model found wrong with it.

    Args:
        error: what the model raised.
        model: of the whole table.
        keys: that the table itself may have; those of tables in it are the fields of their models.
    """
    first = error.errors()[0]
    place = first["loc"]
    if first["type"] == "extra_forbidden":
        known = _fields_at(model, place[:-1]) if len(place) > 1 else keys
        where = f" of {_path(place[:-1])}" if len(place) > 1 else ""
        return f"{told_value(place[-1])}{where} is no key ({meant(str(place[-1]), known)})"
    return f"{_path(place) or 'the table'} {told_value(first.get('input'))}: {first['msg']}"


def ring_of(name: str, tables: Mapping[str, Any], known: Container[str]) -> str:
    """Return in words how a table leads to a ring of tables that are like each other; nothing where it does not.

    Args:
        name: of the table.
        tables: of the file, by name; what each is like is its ``like``.
        known: what one may be like besides, whatever the file has under that name.
    """
    chain: dict[str, None] = {}
    while name in tables and name not in chain:
        chain[name] = None
        table = tables[name]
        like = table.get("like") if isinstance(table, dict) else None
        if not isinstance(like, str) or like in known:
            return ""
        name = like
    if name not in chain:
        return ""
    names = list(chain)
    ring = [*names[names.index(name) + 1 :], name]
    return f"{told_value(name)} is like {', which is like '.join(map(told_value, ring[:MOST_OF_A_RING]))}"


def _path(place: Iterable[int | str]) -> str:
    """Return a place in a table as a person counts: the first of a list is 1."""
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in place)


def _fields_at(model: type[BaseModel], place: Iterable[int | str]) -> list[str]:
    """Return the fields of the model at a place within another."""
    for step in place:
        if isinstance(step, str) and step in model.model_fields:
            model = next(_models_in(model.model_fields[step].annotation), model)
    return list(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
