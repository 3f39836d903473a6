"""LoRA weights (Hu et al. 2021, arXiv 2106.09685), as people name them: ``REPOSITORY_OR_FILE[:WEIGHT]``."""

import math
import re
from dataclasses import dataclass

from imagerag.errors import UserError

ENDING = ".safetensors"
"""Of files of weights: others can run any code when they are read."""

WEIGHTS = (-10.0, 10.0)
"""What may be asked for; sliders go below 0, and all that is usual lies in 0..2."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")


@dataclass(frozen=True)
class LoraName:
    """What is asked for.

    Attributes:
        where: a file, a repository of the hub, or ``OWNER/NAME/FILE`` in one.
        weight: how strongly it counts; 1 is as it was trained.
    """

    where: str
    weight: float = 1.0

    def __str__(self) -> str:
        """As it is written."""
        return self.where if self.weight == 1 else f"{self.where}:{self.weight:g}"

    @classmethod
    def parse(cls, text: str) -> "LoraName":
        """Return what a text names.

        Raises:
            UserError: it names nothing, or its weight is out of range.
        """
        where, colon, tail = text.strip().rpartition(":")
        if not colon or not _NUMBER.fullmatch(tail):
            where, tail = text.strip(), "1"
        weight = float(tail)
        if not where:
            raise UserError(
                f"lora {text!r} names none; give --lora FILE.safetensors or OWNER/NAME, with :WEIGHT if any"
            )
        if not math.isfinite(weight) or not WEIGHTS[0] <= weight <= WEIGHTS[1]:
            raise UserError(f"lora {text!r}: weight {tail} is outside {WEIGHTS[0]:g}..{WEIGHTS[1]:g}; 1 is the usual")
        return cls(where, weight)


@dataclass(frozen=True)
class AppliedLora:
    """One that a generator draws with.

    Attributes:
        name: as it was asked for, of a file of this machine the last part alone.
        sha256: of its file, 64 hex digits.
        weight: see ``LoraName``.
    """

    name: str
    sha256: str
    weight: float
