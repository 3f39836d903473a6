"""Near-duplicates: pictures whose looks differ in hardly any of 64 bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Item = TypeVar("Item")

NEAR = 3
"""Bits of 64 in which the looks of near-duplicates differ at most: what scaling and recompressing change."""
BANDS = (0, 16, 32, 48)
"""Where four bands of 16 bits begin: of two looks that differ in three bits, one band at least is the same."""


def near(look: int, other: int) -> bool:
    """Tell whether two looks are those of near-duplicates; a flat picture's, 0, says nothing and is near none."""
    return bool(look and other) and (look ^ other).bit_count() <= NEAR


def fold_near_duplicates(items: Sequence[Item], look: Callable[[Item], int]) -> list[Item]:
    """Return the items without those that nearly look like an earlier one.

    Args:
        items: best first.
        look: returns the perceptual hash of one.
    """
    kept: list[tuple[Item, int]] = []
    for item in items:
        bits = look(item)
        if not any(near(bits, other) for _, other in kept):
            kept.append((item, bits))
    return [item for item, _ in kept]


class PerceptualHashIndex:
    """Looks by name, asked for those near another.

    Args:
        looks: name and look of what is there already.
    """

    def __init__(self, looks: Iterable[tuple[str, int]] = ()) -> None:
        self._bands: list[dict[int, list[tuple[str, int]]]] = [{} for _ in BANDS]
        for name, look in looks:
            self.add(name, look)

    def add(self, name: str, look: int) -> None:
        """Take one more."""
        if look:
            for band, start in zip(self._bands, BANDS, strict=True):
                band.setdefault(look >> start & 0xFFFF, []).append((name, look))

    def like(self, name: str, look: int) -> str | None:
        """Return the name of one that looks nearly the same, but for ``name`` itself."""
        for band, start in zip(self._bands, BANDS, strict=True):
            for other, bits in band.get(look >> start & 0xFFFF, ()):
                if other != name and near(look, bits):
                    return other
        return None
