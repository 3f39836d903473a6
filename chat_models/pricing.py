"""What a call of a model will cost at most, before it is made: tokens by estimate, money by dated prices.

Prices are data, each with its date and source: ``prices.toml`` beside this module, and before it a file of one's own,
named by ``IMAGERAG_PRICES``, in the same form::

    "openai:qwen3-vl@http://127.0.0.1:8080/v1" = { input = 0.2, output = 0.6, date = 2026-11-01, source = "invoice" }

in US dollars per million tokens. A price that neither has is unknown, which is never taken for zero.
"""

from __future__ import annotations

import datetime
import os
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, TypeAdapter, ValidationError

from imagerag.chat_models.images import TAG
from imagerag.credentials import without_credentials
from imagerag.errors import UserError
from imagerag.records import Price

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

FILE = Path(__file__).parent / "prices.toml"
"""The prices that come with the package; ``training/prices.py`` writes them."""

PRICES = "IMAGERAG_PRICES"
"""The variable that names a file of one's own prices."""

MOST_WORDS = 8192
"""Tokens of one answer at most, reasoning included; less where the budget is nearly used up."""

FEWEST_WORDS = 128
"""Tokens below which an answer is of no use, so that the question is not asked."""


_VERSION = re.compile(r"(?:[-@]\d{4}-?\d{2}-?\d{2}|-latest)$")
"""What providers put behind a model's name for its release: the price is that of the model."""


@dataclass
class Pricing:
    """How the calls of one model are charged.

    Attributes:
        name: as ``--vlm`` takes it.
        input, output: US dollars per token; ``None`` where unknown.
        date, source: when and where that was the price; empty where it isn't told.
        stretch: how far the model's own counts went beyond the estimates so far, at least 1.
    """

    name: str
    input: float | None = None
    output: float | None = None
    date: str = ""
    source: str = ""
    stretch: float = 1.0

    def cost(self, asked: int, answered: int) -> float | None:
        """Return US dollars for that many tokens, ``None`` where the price is unknown."""
        if self.input is None or self.output is None:
            return None
        return self.input * asked + self.output * answered

    @property
    def price(self) -> Price:
        """What the trace tells of it."""
        asked, answered = (None if each is None else round(each * 1e6, 6) for each in (self.input, self.output))
        name = without_credentials(self.name)
        return {
            "model": name,
            "input": asked,
            "output": answered,
            "date": self.date,
            "source": self.source,
        }


def pricing_of(model: BaseChatModel) -> Pricing | None:
    """Return the pricing of a model that ``connect`` made; ``None`` for others, which charge nothing."""
    name = (model.metadata or {}).get(TAG)
    return None if name is None else load_pricing(name)


@lru_cache(maxsize=16)
def load_pricing(name: str) -> Pricing:
    """Return the pricing of the model of that name.

    Raises:
        UserError: the price file can't be read, or does not fit.
    """
    own = os.environ.get(PRICES)
    name = without_credentials(name)
    named = {without_credentials(key): entry for key, entry in read_prices(own).items()} if own else {}
    if name in named:
        return named[name].pricing(name)
    if name.startswith("transformers:"):
        return Pricing(name, 0.0, 0.0, source="it runs here, and nobody sends a bill")
    provided, plain = _provided(), name.lower()
    entry = provided.get(plain) or provided.get(_VERSION.sub("", plain))
    return Pricing(name) if entry is None else entry.pricing(name)


class _Entry(BaseModel):
    """One line of a price file."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    input: NonNegativeFloat
    output: NonNegativeFloat
    date: datetime.date | str = ""
    source: str = ""

    def pricing(self, name: str) -> Pricing:
        return Pricing(name, self.input / 1e6, self.output / 1e6, str(self.date), self.source)


_PRICES = TypeAdapter(dict[str, _Entry])


@lru_cache(maxsize=1)
def _provided() -> dict[str, _Entry]:
    return read_prices(str(FILE))


def read_prices(file: str) -> dict[str, _Entry]:
    """Return the entries of a price file by the models' names.

    Raises:
        UserError: it can't be read, or does not fit.
    """
    try:
        return _PRICES.validate_python(tomllib.loads(Path(file).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = f"{' '.join(map(str, first['loc']))}: {first['msg']}"
        raise UserError(
            f"price file {file!r} can't be read ({reason}); it needs input and output per model, in US dollars per "
            f"million tokens; mend it or unset {PRICES}"
        ) from error
