"""Write ``chat_models/prices.toml``: what models cost, from the package genai-prices.

python -m training.prices

Its authors read the providers' pages. It has no date of its own; the newest day that its prices speak of, and that is
not in the future, is the day at which they were certainly up to date. Where a price depends on the hour or on the kind
of token, the dearest stands in the file, since limits on money must hold; prices of very long questions, which no run
asks, are left out, and so are models that draw: their prices are in ``imagerag/remote_models.toml``.
"""

import datetime
import json
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from imagerag.chat_models.pricing import FILE
from imagerag.extras import missing
from imagerag.remote_models import remote_model

try:
    from genai_prices.data import providers
except ImportError:
    sys.exit(str(missing("genai_prices", "train", "training.prices")))

PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "google_genai",
    "mistral": "mistralai",
    "x-ai": "xai",
    "deepseek": "deepseek",
    "groq": "groq",
    "together": "together",
    "fireworks": "fireworks",
}
"""Providers whose prices are taken, as genai-prices and as LangChain name them; not OpenRouter, with a thousand models
whose prices follow the market."""


def snapshot_day(today: datetime.date) -> datetime.date:
    """Return the newest day up to ``today`` that the package's prices speak of."""
    spoken = re.findall(r"(20\d\d)-(\d\d)-(\d\d)|datetime\.date\((\d+), (\d+), (\d+)\)", repr(providers))
    days = {datetime.date(*(int(part) for part in found if part)) for found in spoken}
    return max(day for day in days if day <= today)


def names_of(clause: Any) -> Iterator[str]:
    """Yield the names by which a model can be asked for, as far as its matching rule spells them out."""
    for inner in (*getattr(clause, "or_", ()), *getattr(clause, "and_", ())):
        yield from names_of(inner)
    for kind in ("equals", "starts_with", "contains"):
        if isinstance(name := getattr(clause, kind, None), str):
            yield name.rstrip("-:@")


def price_of(model: Any, day: datetime.date) -> tuple[float, float] | None:
    """Return US dollars per million tokens in and out on that day, the dearest; ``None`` where tokens aren't all."""
    dearest: list[list[Decimal]] = [[], []]
    for hour in range(24):
        prices = model.get_prices(datetime.datetime.combine(day, datetime.time(hour, 45), datetime.UTC)).__dict__
        if prices.get("input_mtok") is None or prices.get("output_mtok") is None or prices.get("requests_kcount"):
            return None
        for into, kinds in zip(dearest, (("input_mtok", "input_image_mtok"), ("output_mtok",)), strict=True):
            into += [getattr(prices[kind], "base", prices[kind]) for kind in kinds if prices.get(kind) is not None]
    paid = max(dearest[0]), max(dearest[1])
    return (float(paid[0]), float(paid[1])) if all(paid) else None  # nothing is free: it is not known


def lines() -> Iterator[str]:
    """Yield the file's lines."""
    day = snapshot_day(datetime.date.today())
    package = f"genai-prices {version('genai-prices')}"
    yield "# US dollars per million tokens, input and output. Made by python -m training.prices; edits would be lost:"
    yield "# prices of your own go into a file that IMAGERAG_PRICES names, in this same form."
    for provider in providers:
        if provider.id not in PROVIDERS:
            continue
        source = f"{(provider.pricing_urls or ['?'])[0]} by {package}"
        known: dict[str, tuple[float, float]] = {}
        for model in provider.models:
            paid = price_of(model, day)
            for name in (model.id, *names_of(model.match)):
                if paid is not None and provider.find_model(name.lower()) is model:
                    known.setdefault(name.lower(), paid)
        yield ""
        for name, (asked, answered) in sorted(known.items()):
            full = f"{PROVIDERS[provider.id]}:{name}"
            if (listed := remote_model(full)) is not None and listed.references is not None:
                continue  # of models that draw, the package tells the price of words alone
            entry = f"input = {asked!r}, output = {answered!r}, date = {day}, source = {json.dumps(source)}"
            yield f"{json.dumps(full)} = {{ {entry} }}"


if __name__ == "__main__":
    Path(FILE).write_text("\n".join(lines()) + "\n", encoding="utf-8")
