"""What is wrong with a table of somebody's TOML file, in one line: which key, and which one was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


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
        return f"{place[-1]!r}{where} is no key ({meant(str(place[-1]), known)})"
    return f"{_path(place) or 'the table'} {first.get('input')!r}: {first['msg']}"


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
