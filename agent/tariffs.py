"""What a call of a model will cost at most, before it is made: tokens by estimate, money by dated price lists.

Prices come from a TOML file of one's own, named by ``IMAGERAG_PRICES``, and for what that lacks from the package
``genai-prices``, a snapshot of the providers' own pages::

    ["openai:qwen3-vl@http://127.0.0.1:8080/v1"]
    input = 0.2      # US dollars per million tokens
    output = 0.6
    date = "2026-11-01"
    source = "our own invoice"

A price that neither has is unknown, which is never taken for zero.
"""

import json
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from imagerag.errors import UserError

PRICES = "IMAGERAG_PRICES"
"""The variable that names a file of one's own prices."""

MOST_WORDS = 8192
"""Tokens of one answer at most, reasoning included; less where the budget is nearly used up."""

FEWEST_WORDS = 128
"""Tokens below which an answer is of no use, so that the question is not asked."""

BYTES_PER_TOKEN = 3
"""Bytes of UTF-8 per token, on the safe side: tokenizers make about 4 of English and 3.5 of JSON."""

IMAGE_TOKENS = 800
"""Of an image of at most 768 x 768 pixels: Qwen-VL makes 784 (28 x 28 pixels each), Anthropic 786 (750 pixels each),
OpenAI's models that count tiles 765, Gemini 258; what a model makes beyond that is learnt from its first answer."""

_PROVIDERS = {"google_genai": "google", "google_vertexai": "google", "mistralai": "mistral", "xai": "x-ai"}

TAG = "imagerag_model"
"""Key in a chat model's metadata under which its name stands."""


@dataclass
class Tariff:
    """How the calls of one model are charged.

    Attributes:
        name: as ``--vlm`` takes it.
        input, output: US dollars per token; ``None`` where unknown.
        stretch: how far the model's own counts went beyond the estimates so far, at least 1.
    """

    name: str
    input: float | None = None
    output: float | None = None
    stretch: float = 1.0

    def cost(self, asked: int, answered: int) -> float | None:
        """Return US dollars for that many tokens, ``None`` where the price is unknown."""
        if self.input is None or self.output is None:
            return None
        return self.input * asked + self.output * answered


def tariff_of(model: BaseChatModel) -> Tariff | None:
    """Return the tariff of a model that ``connect`` made; ``None`` for others, which charge nothing or are not ours."""
    name = (model.metadata or {}).get(TAG)
    return None if name is None else load_tariff(name)


@lru_cache(maxsize=16)
def load_tariff(name: str) -> Tariff:
    """Return the tariff of the model of that name.

    Raises:
        UserError: the price file can't be read, or does not fit.
    """
    own = _own_prices().get(name)
    if own is not None:
        return Tariff(name, own[0] / 1e6, own[1] / 1e6)
    provider, model = name.split(":", 1)
    if provider == "transformers":  # it runs here, and nobody sends a bill
        return Tariff(name, 0.0, 0.0)
    if "@http" in model:
        return Tariff(name)
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return Tariff(name)
    million = 1_000_000
    try:
        # A tenth of a million, below the sizes from which some providers charge more: no question of ours is so long.
        usage = Usage(input_tokens=million // 10, output_tokens=million // 10)
        found = calc_price(usage, model_ref=model, provider_id=_PROVIDERS.get(provider, provider))
    except LookupError:
        return Tariff(name)
    return Tariff(name, float(found.input_price) * 10 / million, float(found.output_price) * 10 / million)


def _own_prices() -> dict[str, tuple[float, float]]:
    file = os.environ.get(PRICES)
    if not file:
        return {}
    try:
        table = tomllib.loads(Path(file).read_text(encoding="utf-8"))
        prices = {name: (float(entry["input"]), float(entry["output"])) for name, entry in table.items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"price file {file!r} can't be read ({error!r}); it needs a table per model with input and output, "
            f"in US dollars per million tokens, or unset {PRICES}"
        ) from error
    if any(not price >= 0 for pair in prices.values() for price in pair):
        raise UserError(f"price file {file!r} has a price below 0; mend it or unset {PRICES}")
    return prices


def estimate(messages: Sequence[BaseMessage], shapes: str = "") -> int:
    """Return how many tokens a question takes, rather too many: words by bytes, images all alike.

    Args:
        messages: the question.
        shapes: JSON of the tools or the schema that go with it.
    """
    tokens = len(shapes.encode("utf-8", "replace")) // BYTES_PER_TOKEN
    for message in messages:
        tokens += 8
        for call in getattr(message, "tool_calls", ()):
            tokens += len(json.dumps(call["args"], default=str).encode("utf-8", "replace")) // BYTES_PER_TOKEN + 20
        blocks: list[Any] = [message.content] if isinstance(message.content, str) else list(message.content)
        tokens += sum(_block(block) for block in blocks)
    return tokens


def _block(block: Any) -> int:
    if isinstance(block, dict) and block.get("type") == "image" and "base64" in block:
        return IMAGE_TOKENS
    text = block if isinstance(block, str) else str(block.get("text", block))
    return len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN + 1
