"""Seeds as other programs write them: of 64 bits, negative, or -1 for any."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

LARGEST = 2**32
"""Generators take seeds below this."""


def whole(value: Any) -> Any:
    """Return the number that a form's text says; anything else as it is, for pydantic to judge."""
    digits = value.strip().removeprefix("-") if isinstance(value, str) else ""
    return int(value) if digits.isascii() and digits.isdigit() and len(digits) < 30 else value


Seed = Annotated[Annotated[int, Field(ge=-(2**63), lt=2**64)] | None, BeforeValidator(whole)]
"""A seed as a request gives it: any signed or unsigned number of 64 bits."""


def drawn_with(seed: int | None) -> tuple[int | None, tuple[str, ...]]:
    """Return the seed to draw with, and a note where it is another one than was given.

    -1 stands for any seed, as in other image programs; numbers outside 0..2**32-1 are taken modulo 2**32, so that the
    same one always gives the same picture.
    """
    if seed is None or seed == -1:
        return None, ()
    if 0 <= seed < LARGEST:
        return seed, ()
    return seed % LARGEST, (f"seed {seed} is drawn as {seed % LARGEST}: generators take 0..{LARGEST - 1}",)
