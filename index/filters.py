"""``--where``: which of the pictures may be found at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagerag.errors import UserError

FIELDS = ("licence", "caption", "title", "source")


class Condition(NamedTuple):
    """That a field is, or has in it, a value; letters of both cases count as one."""

    field: str
    value: str
    within: bool

    def holds(self, found: str) -> bool:
        """Tell whether it holds for what is found in the field."""
        found, value = found.casefold(), self.value.casefold()
        return value in found if self.within else value == found


def parse_where(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Return the conditions of ``FIELD=VALUE`` (is) and ``FIELD~VALUE`` (has in it); all of them must hold.

    Raises:
        UserError: one is not understood.
    """
    conditions = []
    for text in texts:
        at = min((text.index(sign) for sign in "=~" if sign in text), default=-1)
        field, value = text[:at].strip(), text[at + 1 :].strip()
        if at < 0 or field not in FIELDS or not value:
            raise UserError(
                f"--where {text!r} is not understood; give FIELD=VALUE or FIELD~PART with one of: {', '.join(FIELDS)}"
            )
        conditions.append(Condition(field, value, text[at] == "~"))
    return tuple(conditions)


def all_hold(conditions: Sequence[Condition]) -> Callable[[Mapping[str, str]], bool]:
    """Return what tells whether conditions hold for the fields of one picture."""
    return lambda fields: all(condition.holds(fields.get(condition.field, "")) for condition in conditions)


def chosen(table: Any, conditions: Sequence[Condition]) -> NDArray[np.bool_]:
    """Return for each row of a ``pyarrow.Table`` whether all conditions hold, (n,)."""
    import pyarrow.compute as pc

    mask = np.ones(len(table), np.bool_)
    for condition in conditions:
        column = table.column(condition.field).combine_chunks().dictionary_encode()
        fits = np.array([condition.holds(value) for value in column.dictionary.to_pylist()], np.bool_)
        mask &= fits[pc.fill_null(column.indices, 0).to_numpy(zero_copy_only=False)]
    return mask
