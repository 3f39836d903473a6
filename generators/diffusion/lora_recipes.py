"""How a model is asked with LoRA weights that teach it to draw in few steps, by the weights' name."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.recipes import (
    FEW,
    FEW_BY_NAME,
    STEPS_BY_NAME,
    TAUGHT_GUIDANCE,
    UNDISTILLED,
    USUAL_FEW,
    no_contrast,
)
from imagerag.lora import ENDING, LoraName

NONE = "none"
"""In a row: TOML has no value for that a setting is unset."""


STEPS_OF_FEW = re.compile(r"(?<![0-9])([1-9][0-9]?)[-_ ]?steps?(?![a-z])")
"""A number of steps in the name of weights that are called fast: Hyper-SD has some for 16."""


class LoraRule(BaseModel):
    """One row of ``lora_recipes.toml``; its comment explains each field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...] = ()
    named: str
    steps: int
    guidance: float | None = None
    sigmas: tuple[float, ...] = ()
    scheduler: dict[str, Any] = {}
    source: tuple[str, ...]


@lru_cache(maxsize=1)
def lora_rules() -> tuple[LoraRule, ...]:
    """Return all rows, the first that fits first."""
    file = Path(__file__).with_name("lora_recipes.toml")
    return tuple(LoraRule(**row) for row in tomllib.loads(file.read_text(encoding="utf-8"))["recipe"])


def asked_with(preset: Preset, class_name: str, loras: Sequence[str]) -> tuple[Preset, tuple[str, ...]]:
    """Return how a model is asked with LoRA weights, and what to tell of it; as it is where none are for few steps.

    Args:
        preset: of the model alone. One in few steps stays as it is: it is distilled, or somebody has said so.
        class_name: of its pipeline.
        loras: see ``LoraName``; what counts at 0 changes nothing.
    """
    for asked in map(LoraName.parse, loras):
        name = _own_name(asked.where)
        few = None if UNDISTILLED.search(name) else FEW_BY_NAME.search(name)
        counted = (STEPS_OF_FEW if few else STEPS_BY_NAME).search(name)
        if asked.weight <= 0 or preset.steps <= FEW or not (counted or few):
            continue
        rule = next((row for row in lora_rules() if class_name in row.classes and re.search(row.named, name)), None)
        steps = int(counted[1]) if counted else rule.steps if rule else USUAL_FEW
        changes: dict[str, Any] = {"steps": steps}
        if rule is not None:
            guidance = preset.guidance if rule.guidance is None else rule.guidance
            settings = {key: None if value == NONE else value for key, value in rule.scheduler.items()}
            changes |= {"scheduler": preset.scheduler | settings}
            changes |= {"sigmas": rule.sigmas} if len(rule.sigmas) == steps else {}
        elif class_name in TAUGHT_GUIDANCE:
            guidance = preset.guidance
        else:
            guidance = min(preset.guidance, no_contrast(class_name))
        changes["guidance"] = guidance
        if class_name not in TAUGHT_GUIDANCE and guidance <= no_contrast(class_name):
            changes["negative_prompt"] = ""
        found = counted or few
        assert found is not None  # else there is nothing to do, see above
        guess = "" if counted or rule else "; a guess, since how many they take is not known"
        told = f"lora {asked.where!r} is for few steps (its name has {found[0]!r}): drawn in {steps} at guidance "
        return preset.model_copy(update=changes), (f"{told}{guidance:g}, not in {preset.steps}{guess}",)
    return preset, ()


def _own_name(where: str) -> str:
    """Return what of a name tells what the weights are: not the owner of a repository, nor folders of this machine."""
    if os.path.isfile(os.path.expanduser(where)):
        return Path(where).name.lower().removesuffix(ENDING)
    return where.partition("/")[2].lower().removesuffix(ENDING)
