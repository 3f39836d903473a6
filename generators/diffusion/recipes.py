"""Which preset a model without one of its own is asked like, by what its repository says: ``recipes.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from imagerag.generators.diffusion.presets import Preset

ANY = "*"
"""In a row: whatever value is given."""

DENOISERS = ("transformer", "unet")
"""What a pipeline's denoiser is called, and the folder that it is in."""

LATENT = 8
"""Pixels of a latent's side, in all models with a UNet."""

LEAST = 64
"""Latents of the side that a UNet was trained for, at least: early Stable Diffusion 1 said 32 and meant 64
(``StableDiffusionPipeline.__init__`` of diffusers mends it as well)."""


class Rule(BaseModel):
    """One row of ``recipes.toml``; its comment explains each field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str
    classes: tuple[str, ...]
    named: str = ""
    index: dict[str, Any] = {}
    scheduler: dict[str, Any] = {}
    denoiser: dict[str, Any] = {}
    change: dict[str, Any] = {}


@dataclass(frozen=True)
class Published:
    """What a repository or folder says of the pipeline in it.

    Attributes:
        model: Hugging Face id, or a folder.
        index: its ``model_index.json``.
        config: returns the configuration of a part by its folder, as ``scheduler``; empty where it can't be read.
    """

    model: str
    index: Mapping[str, Any]
    config: Callable[[str], Mapping[str, Any]]

    @property
    def class_name(self) -> str:
        """The pipeline's class."""
        return str(self.index.get("_class_name", ""))

    def said(self, where: str) -> Mapping[str, Any]:
        """Return what is said in ``model_index.json``, or of the ``scheduler`` or the ``denoiser``."""
        if where == "model_index.json":
            return self.index
        return self.denoiser if where == "denoiser" else self.config(where)

    @property
    def denoiser(self) -> Mapping[str, Any]:
        """The configuration of the transformer or UNet."""
        return next((self.config(part) for part in DENOISERS if part in self.index), {})


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Return all rows, the first that fits first."""
    file = Path(__file__).with_name("recipes.toml")
    return tuple(Rule(**row) for row in tomllib.loads(file.read_text(encoding="utf-8"))["recipe"])


def recipe_of(published: Published, presets: Mapping[str, Preset]) -> Preset | None:
    """Return the preset of the first row that fits, with this model in it and the reason told; ``None`` if none fits.

    Args:
        published: what the repository says.
        presets: all that there are, by name.
    """
    for rule in rules():
        if published.class_name in rule.classes and (why := _fits(rule, published)) is not None:
            return _asked_like(rule, why, published, presets[rule.preset])
    return None


def _fits(rule: Rule, published: Published) -> str | None:
    """Return why a row fits, in words; ``None`` if it doesn't."""
    reasons = []
    if rule.named:
        own = Path(published.model).name.lower()
        found = re.search(rule.named, own)
        if found is None:
            return None
        reasons.append(f"its name has {found[0]!r}")
    for wanted, where in ((rule.index, "model_index.json"), (rule.scheduler, "scheduler"), (rule.denoiser, "denoiser")):
        for key, value in wanted.items():
            given = published.said(where).get(key)
            if given is None or (value != ANY and given != value):
                return None
            reasons.append(f"its {where} says {key} = {_short(given)}")
    return " and ".join(reasons) or f"its pipeline is a {published.class_name}"


def _short(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else str(value).lower()


def _asked_like(rule: Rule, why: str, published: Published, preset: Preset) -> Preset:
    changes: dict[str, Any] = {"model": published.model, "revision": None, "variant": None, "licence": "unknown"}
    changes["pipeline"] = published.class_name
    changes |= rule.change
    if changes.get("family") == "text":
        changes |= {"adapter": None, "max_references": 0}
    if isinstance(sigmas := published.index.get("sample_sigmas"), list):
        changes["steps"] = len(sigmas)
    if "unet" in published.index and isinstance(side := published.denoiser.get("sample_size"), int):
        changes |= {"width": max(side, LEAST) * LATENT, "height": max(side, LEAST) * LATENT}
    told = ", ".join(f"{key} {value!r}" for key, value in rule.change.items())
    changes["recipe"] = f"as {rule.preset}{f' with {told}' if told else ''}: {why}"
    return preset.model_copy(update={**changes, "source": (), "unchecked": (), "name": f"diffusers:{published.model}"})
