"""What is known of providers' models besides their names: ``remote_models.toml``, the one place for it."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

FILE = Path(__file__).parent / "remote_models.toml"
"""What each field means stands at its head."""

RELEASE = re.compile(r"(?:[-@](?:\d{4}-?\d{2}(?:-?\d{2})?|\d{2}-\d{2}|\d{3,4})|-latest)$")
"""What providers put behind a model's name for its release: a date, a month (``-2024-08``, ``-2411``), a day of a year
(``-0613``, ``-05-20``), a number (``-001``). Prices and limits are those of the model."""

SOON = datetime.timedelta(days=60)
"""How long before its end a model's end is told; Anthropic, for one, announces ends no later than that."""


class Disputed(NamedTuple):
    """Another day than the first source's on which a model is shut down, and the source that has it."""

    ends: datetime.date
    source: str


@dataclass(frozen=True)
class RemoteModel:
    """One model.

    Attributes:
        source, read: where that stands, and when it was read.
        references: images that one drawing takes; ``None`` of a model that doesn't draw.
        tokens: that one image is billed at, at most; 0 where images aren't billed by tokens.
        input, output: US dollars per million tokens; ``None`` where they aren't told here.
        image, reference: US dollars of an image, and for each reference besides; ``None`` where they aren't known.
        takes: the field for references; empty where the API has one for all models.
        edit: the name under which it takes references, if that is another.
        inputs: fields of each request.
        seed: whether it takes one.
        ends: when its provider shuts it down; ``None`` if no day is published.
        disputed: the day that another source has; ``None`` where they agree.
        successor: what the provider names instead.
    """

    source: str
    read: datetime.date
    references: int | None = None
    tokens: int = 0
    input: float | None = None
    output: float | None = None
    image: float | None = None
    reference: float = 0.0
    takes: str = ""
    edit: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    seed: bool = False
    ends: datetime.date | None = None
    successor: str = ""
    disputed: Disputed | None = None


@dataclass(frozen=True)
class Provider:
    """An images API.

    Attributes:
        url: its address.
        keys: variables with its key; the first one that is set counts.
        references: images that one drawing takes where the model isn't listed.
        tokens: that one image is billed at, at most, where the model isn't listed; 0 where not by tokens.
        source: its description.
        domain: hosts below it get the key, too; empty for none.
    """

    url: str
    keys: tuple[str, ...]
    references: int
    source: str
    domain: str = ""
    tokens: int = 0

    @property
    def usual(self) -> RemoteModel:
        """What is assumed of a model that isn't listed."""
        return RemoteModel(self.source, datetime.date.min, references=self.references, tokens=self.tokens)


class End(NamedTuple):
    """When a provider shuts a model down; fields as in ``RemoteModel``."""

    ends: datetime.date
    successor: str
    source: str
    read: datetime.date
    disputed: Disputed | None = None

    @property
    def first(self) -> datetime.date:
        """The earliest day that a source has."""
        return self.ends if self.disputed is None else min(self.ends, self.disputed.ends)


@lru_cache(maxsize=1)
def _file() -> tuple[dict[str, Provider], dict[str, RemoteModel], dict[str, End]]:
    whole = tomllib.loads(FILE.read_text(encoding="utf-8"))
    providers = {prefix: Provider(**{**row, "keys": tuple(row["keys"])}) for prefix, row in whole["provider"].items()}
    models = {name: _model(row) for name, row in whole["model"].items()}
    ends = {
        name: End(model.ends, model.successor, model.source, model.read, model.disputed)
        for name, model in models.items()
        if model.ends is not None
    }
    for row in whole["end"]:
        ends |= dict.fromkeys(row.pop("models"), End(**row))
    return providers, models, ends


def _model(row: dict[str, Any]) -> RemoteModel:
    disputed = row.pop("disputed", None)
    return RemoteModel(**row, disputed=None if disputed is None else Disputed(**disputed))


def providers() -> Mapping[str, Provider]:
    """Return the images APIs, by the prefix of their models' names."""
    return _file()[0]


def remote_models() -> Mapping[str, RemoteModel]:
    """Return all models that something is known of, by name: ``prefix:model``."""
    return _file()[1]


def remote_model(name: str) -> RemoteModel | None:
    """Return what is known of the model of that name; ``None`` if nothing is.

    A model at an address of one's own (``prefix:model@URL``) is taken for the provider's of that name, and a release of
    a model (``model-2026-04-21``) for the model.
    """
    return _of_name(remote_models(), name)


Known = TypeVar("Known")


def _of_name(known: Mapping[str, Known], name: str) -> Known | None:
    """Return what is known by a name, or by that name without its release."""
    plain = name.partition("@")[0].lower()
    return known.get(name.partition("@")[0]) or known.get(plain) or known.get(RELEASE.sub("", plain))


def ends() -> Mapping[str, End]:
    """Return the ends that are known, by the model's name."""
    return _file()[2]


def ending(name: str, today: datetime.date | None = None) -> str:
    """Return one sentence on the end of a provider's model, where that is past or near; empty otherwise.

    Where sources have different days, the earliest counts, and all are told.

    Args:
        name: ``prefix:model``; one at an address of one's own has no end here.
        today: of UTC unless given.
    """
    known = None if "://" in name else _of_name(ends(), name)
    if known is None:
        return ""
    today = today or datetime.datetime.now(datetime.UTC).date()
    if known.first - today > SOON:
        return ""
    instead = f"; use {known.successor}" if known.successor else ""
    if known.disputed is not None:
        return (
            f"its provider shuts down {name!r} on {known.ends} ({known.source}, read {known.read}) or on "
            f"{known.disputed.ends} ({known.disputed.source}): sources differ{instead}"
        )
    verb = "shut down" if known.ends <= today else "shuts down"
    return f"its provider {verb} {name!r} on {known.ends}{instead} ({known.source}, read {known.read})"


def after_its_end(name: str, said: str) -> str:
    """Return what is wrong with a model, behind its end where that is past or near: one who mends it meets that next.

    Args:
        name: as ``ending`` takes it.
        said: what is wrong.
    """
    told = ending(name)
    return f"{told}; besides, {said}" if told else said
