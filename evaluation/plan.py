"""What an evaluation draws: prompts, seeds and arms, as data that is sent to other processes and machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.evaluation.records import Arm, Drawing, Suite, SuitePrompt
from imagerag.settings import Settings
from imagerag.store.files import read_whole

DEFAULT_PROMPTS = 200
"""Prompts of a run unless more or fewer are asked for."""


@dataclass(frozen=True)
class Plan:
    """What is the same for all prompts.

    Attributes:
        suite: that is run, with the prompts that are drawn.
        arms: each after the one whose generations it takes as its own.
        seeds: of each prompt, the same for every arm.
        settings: that all arms have.
        metrics: names of what is measured of each image.
        data: what the paths of the suite's real images are relative to.
    """

    suite: Suite
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    settings: Settings
    metrics: tuple[str, ...]
    data: Path | None = None


@dataclass(frozen=True)
class Task:
    """What is left to do of one prompt.

    Attributes:
        prompt: to draw.
        left: arm and seed of each drawing that isn't there yet.
        there: drawings that are there.
        lookups: searches that were recorded for this prompt.
        pngs: of drawings that are there and have something left to measure, or are compared with others that have: a
            file, or its bytes.
        unmeasured: metrics that drawings which are there lack, by arm and seed.
        references: pictures that recorded searches of a search service have found, by address, as ``pngs``.
    """

    prompt: SuitePrompt
    left: frozenset[tuple[str, int]]
    there: tuple[Drawing, ...] = ()
    lookups: tuple[dict[str, Any], ...] = ()
    pngs: Mapping[tuple[str, int], Path | bytes] = field(default_factory=dict)
    unmeasured: Mapping[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    references: Mapping[str, Path | bytes] = field(default_factory=dict)

    def packed(self) -> Task:
        """Return it with the bytes of its files, for a machine that has them not."""
        return replace(
            self,
            pngs={key: png_bytes(png) for key, png in self.pngs.items()},
            references={key: png_bytes(png) for key, png in self.references.items()},
        )


def png_bytes(png: Path | bytes) -> bytes:
    """Return the bytes of a PNG.

    Raises:
        UserError: its file is gone, or not to be read.
    """
    return png if isinstance(png, bytes) else read_whole(png)


def ordered(arms: Sequence[Arm]) -> tuple[Arm, ...]:
    """Return the arms in their order, but each behind the one whose generations it takes as its own.

    Raises:
        UserError: two of them wait for each other.
    """
    placed: list[Arm] = []
    left = list(arms)
    while left:
        there = {arm.name for arm in placed}
        ready = [arm for arm in left if arm.settings.get("n_like") in {None, *there}]
        if not ready:
            raise UserError(f"arm {left[0].name!r}: n_like {left[0].settings['n_like']!r} leads back to itself")
        placed += ready
        left = [arm for arm in left if arm not in ready]
    return tuple(placed)


def chosen_prompts(suite: Suite, limit: int | None, full: bool, strata: Sequence[str] = ()) -> tuple[SuitePrompt, ...]:
    """Return the prompts that are drawn, in the order of the suite.

    Args:
        suite: has them.
        limit: the first so many of each stratum; ``None`` for ``DEFAULT_PROMPTS`` shared out among the strata.
        full: all of them, where ``limit`` is ``None``.
        strata: that are drawn; empty for all.

    Raises:
        UserError: there is none, or no such stratum.
    """
    if not suite.prompts:
        raise UserError(f"suite {suite.name!r} has no prompts")
    if strata:
        known = list(dict.fromkeys(prompt.stratum for prompt in suite.prompts))
        if unknown := [name for name in strata if name not in known]:
            raise UserError(f"stratum {unknown[0]!r} is none of suite {suite.name!r}; valid: {', '.join(known)}")
        suite = replace(suite, prompts=tuple(prompt for prompt in suite.prompts if prompt.stratum in strata))
    if full and limit is None:
        return suite.prompts
    counts = dict.fromkeys((prompt.stratum for prompt in suite.prompts), 0)
    most = dict.fromkeys(counts, limit) if limit is not None else _shares(suite)
    chosen = []
    for prompt in suite.prompts:
        if counts[prompt.stratum] < (most[prompt.stratum] or 0):
            counts[prompt.stratum] += 1
            chosen.append(prompt)
    return tuple(chosen)


def _shares(suite: Suite) -> dict[str, int | None]:
    """Share the default number of prompts out evenly; what a small stratum doesn't take goes to the others."""
    sizes: dict[str, int] = {}
    for prompt in suite.prompts:
        sizes[prompt.stratum] = sizes.get(prompt.stratum, 0) + 1
    shares: dict[str, int | None] = {}
    room = DEFAULT_PROMPTS
    for place, (stratum, size) in enumerate(sorted(sizes.items(), key=lambda pair: pair[1])):
        share = min(size, round(room / (len(sizes) - place)))
        shares[stratum], room = share, room - share
    return shares
