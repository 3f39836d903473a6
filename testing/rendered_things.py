"""Pictures of invented things: each noun has a look of its own, drawn by a rule, in scenes with captions.

They are data of another kind than pictograms, as many as are wanted, without a download or a licence. A noun's outline,
colours and pattern follow from its letters; light, background, size, turn and grain differ from picture to picture.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagerag.index.captions import common_names

SIDE = 48
"""Pixels of the small models' input, both ways."""


class Look(NamedTuple):
    """How a thing looks: what its letters give."""

    waves: NDArray[np.float64]
    phases: NDArray[np.float64]
    colours: NDArray[np.float64]
    pattern: int
    frequency: float
    angle: float


def nouns() -> list[str]:
    """Return the everyday names of one word, in the order of their hash."""
    names = [name for name in common_names() if " " not in name and not name.endswith("s")]
    return sorted(names, key=lambda name: hashlib.sha256(f"thing:{name}".encode()).hexdigest())


@lru_cache(maxsize=1024)
def look_of(noun: str) -> Look:
    """Return the look of a noun."""
    random = np.random.default_rng(int(hashlib.sha256(f"look:{noun}".encode()).hexdigest()[:12], 16))
    return Look(
        random.uniform(-0.28, 0.28, 4),
        random.uniform(0, 2 * np.pi, 4),
        random.uniform(0, 1, (2, 3)),
        int(random.integers(5)),
        float(random.uniform(4, 9)),
        float(random.uniform(0, np.pi)),
    )


def scene(things: Sequence[str], random: np.random.Generator, side: int = SIDE) -> Image.Image:
    """Return an RGB picture of at most three things side by side, each where the dice say.

    Args:
        things: nouns, from left to right.
        random: for all that differs between pictures of the same things.
        side: pixels, both ways.
    """
    y, x = np.mgrid[0:side, 0:side] / side
    ground = random.uniform(0.2, 0.9, (2, 3))
    slope = np.clip(y * random.uniform(0.3, 1.2) + x * random.uniform(-0.5, 0.5), 0, 1)[..., None]
    page = ground[0] * (1 - slope) + ground[1] * slope
    wide = 1 / len(things)
    for place, noun in enumerate(things):
        radius = random.uniform(0.28, 0.42) * (wide if len(things) < 2 else wide * 1.1)
        centre = (place + random.uniform(0.4, 0.6)) * wide, random.uniform(0.4, 0.6)
        page = _painted(page, look_of(noun), x, y, centre, radius, random)
    page = page + random.normal(0, random.uniform(0, 0.06), page.shape)
    return Image.fromarray((np.clip(page, 0, 1) * 255).astype(np.uint8))


def _painted(
    page: NDArray[Any],
    look: Look,
    x: NDArray[Any],
    y: NDArray[Any],
    centre: tuple[float, float],
    radius: float,
    random: np.random.Generator,
) -> NDArray[Any]:
    turn = random.uniform(-0.25, 0.25)
    u, v = (x - centre[0]) / radius, (y - centre[1]) / radius
    u, v = u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)
    theta, distance = np.arctan2(v, u), np.hypot(u, v)
    edge = 1 + sum(
        wave * np.cos(order * theta + phase)
        for order, (wave, phase) in enumerate(zip(look.waves, look.phases, strict=True), 2)
    )
    along = u * np.cos(look.angle) + v * np.sin(look.angle)
    across = v * np.cos(look.angle) - u * np.sin(look.angle)
    wave = {
        0: np.sin(look.frequency * along),
        1: np.sin(look.frequency * along) * np.sin(look.frequency * across),
        2: np.sin(look.frequency * distance),
        3: along,
        4: np.sin(look.frequency * along + 2 * np.sin(3 * across)),
    }[look.pattern]
    light = 1 + random.uniform(-0.25, 0.25) * u + random.uniform(-0.15, 0.15)
    colour = np.where((wave > 0)[..., None], look.colours[0], look.colours[1]) * light[..., None]
    return np.where((distance < edge)[..., None], colour, page)


def caption_of(things: Sequence[str]) -> str:
    """Return a caption that names the things."""
    named = [f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}" for noun in things]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
