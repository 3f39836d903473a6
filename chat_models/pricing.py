"""What a call of a model will cost at most, before it is made: tokens by estimate, money by dated prices.

Prices are data, each with its date and source: ``prices.toml`` beside this module, and before it a file of one's own,
named by ``IMAGERAG_PRICES``, in the same form::

    "openai:qwen3-vl@http://127.0.0.1:8080/v1" = { input = 0.2, output = 0.6, date = 2026-11-01, source = "invoice" }

in US dollars per million tokens, or ``{ image = 0.03, reference = 0.015 }`` in US dollars for each image and for each
reference besides. Models that ``imagerag/remote_models.toml`` knows the price of have it there. A price that is nowhere
is unknown, which is never taken for zero.
"""

from __future__ import annotations

import datetime
import os
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, TypeAdapter, ValidationError, model_validator

from imagerag.chat_models.images import TAG
from imagerag.credentials import without_credentials
from imagerag.errors import UserError
from imagerag.records import Price
from imagerag.regular_files import SETTINGS_BYTES, read_regular_text
from imagerag.remote_models import RELEASE, remote_model
from imagerag.table_faults import fault_in

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


@dataclass
class Pricing:
    """How the calls of one model are charged.

    Attributes:
        name: as ``--vlm`` takes it.
        input, output: US dollars per token; ``None`` where unknown.
        date, source: when and where that was the price; empty where it isn't told.
        stretch: how far the model's own counts went beyond the estimates so far, at least 1.
        image, reference: US dollars of an image, and for each reference besides; ``None`` where images aren't charged
            each, or it is not known.
    """

    name: str
    input: float | None = None
    output: float | None = None
    date: str = ""
    source: str = ""
    stretch: float = 1.0
    image: float | None = None
    reference: float = 0.0

    def cost(self, asked: int, answered: int) -> float | None:
        """Return US dollars for that many tokens, ``None`` where the price is unknown."""
        if self.input is None or self.output is None:
            return None
        return self.input * asked + self.output * answered

    def cost_of_image(self, references: int) -> float | None:
        """Return US dollars of one image with so many references, ``None`` where images have no price of their own."""
        return None if self.image is None else self.image + self.reference * references

    @property
    def price(self) -> Price:
        """What the trace tells of it."""
        asked, answered = (None if each is None else round(each * 1e6, 6) for each in (self.input, self.output))
        name = without_credentials(self.name)
        told: Price = {
            "model": name,
            "input": asked,
            "output": answered,
            "date": self.date,
            "source": self.source,
        }
        if self.image is not None:
            told |= {"image": self.image, "reference": self.reference}
        return told


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
    listed = None if "://" in name else remote_model(name)
    if listed is not None and (listed.image is not None or listed.input is not None):
        entry = _Entry(
            input=listed.input,
            output=listed.output,
            image=listed.image,
            reference=listed.reference,
            date=listed.read,
            source=listed.source,
        )
        return entry.pricing(name)
    provided, plain = _provided(), name.lower()
    found = provided.get(plain) or provided.get(RELEASE.sub("", plain))
    return Pricing(name) if found is None else found.pricing(name)


class _Entry(BaseModel):
    """One line of a price file."""

    model_config = ConfigDict(coerce_numbers_to_str=True, extra="forbid")

    input: NonNegativeFloat | None = None
    output: NonNegativeFloat | None = None
    image: NonNegativeFloat | None = None
    reference: NonNegativeFloat = 0.0
    date: datetime.date | str = ""
    source: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.image is None and (self.input is None or self.output is None):
            raise ValueError("neither input and output nor image")
        return self

    def pricing(self, name: str) -> Pricing:
        asked, answered = (None if each is None else each / 1e6 for each in (self.input, self.output))
        told = str(self.date), self.source
        return Pricing(name, asked, answered, *told, image=self.image, reference=self.reference)


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
        return _PRICES.validate_python(tomllib.loads(read_regular_text(file, most=SETTINGS_BYTES)))
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error)
        if isinstance(error, ValidationError):
            reason = fault_in(error, _Entry, ())
        raise UserError(
            f"price file {file!r} can't be read ({reason}); it needs input and output per model, in US dollars per "
            f"million tokens, or image; mend it or unset {PRICES}"
        ) from error
