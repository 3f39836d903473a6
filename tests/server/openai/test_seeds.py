"""Seeds of other programs."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from imagerag.server.openai.seeds import LARGEST, Seed, drawn_with, whole

SEED: TypeAdapter[Any] = TypeAdapter(Seed)


@pytest.mark.parametrize(
    ("seed", "drawn"),
    [
        (None, None),
        (-1, None),
        (0, 0),
        (LARGEST - 1, LARGEST - 1),
        (LARGEST, 0),
        (2**64 - 1, LARGEST - 1),
        (-(2**63), 0),
    ],
)
def test_each_seed_of_64_bits_is_drawn_with_and_a_change_is_told(seed: int | None, drawn: int | None) -> None:
    used, notes = drawn_with(seed)
    assert used == drawn
    assert bool(notes) == (seed not in (None, -1) and used != seed)
    assert all(str(seed) in note for note in notes)


@pytest.mark.parametrize("value", ["7", " 7", "-1", "18446744073709551615", 7, None])
def test_forms_and_json_say_seeds(value: Any) -> None:
    assert SEED.validate_python(value) == (None if value is None else int(value))


@pytest.mark.parametrize("value", ["", "seven", "7.5", 2**64, -(2**63) - 1, "9" * 5000, "²", [1], 7.5])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        SEED.validate_python(value)


def test_what_is_no_number_is_left_for_the_shape_to_judge() -> None:
    assert whole("1e3") == "1e3"
