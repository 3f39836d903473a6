"""What ``--fast`` gains on this machine and what it changes in the picture: measured once, and kept."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from imagerag.generators.base import DrawControl
from imagerag.regular_files import read_regular_text
from imagerag.store.files import write_whole

MOST_KEPT = 256
"""Measurements kept, the last ones."""


@dataclass(frozen=True)
class Measurement:
    """A picture, or a batch of them, drawn with ``--fast`` and without, of one prompt and the same seeds.

    Attributes:
        gain: denoising steps a second with it, as a multiple of those without.
        difference: mean absolute difference of the pictures' pixels, 0..255.
        width, height: pixels of each picture.
        steps: denoising steps.
        device: on which.
        date: when, as 2026-11-29.
        pictures: drawn at once; those of a batch share each step.
    """

    gain: float
    difference: float
    width: int
    height: int
    steps: int
    device: str
    date: str
    pictures: int = 1

    def in_words(self) -> str:
        """Say what was measured, and on what."""
        drawn = "one picture" if self.pictures == 1 else f"{self.pictures} pictures at once"
        of_use = "" if self.gain > 1 else "; it is no faster here: leave it out"
        return (
            f"{self.gain:.2f} times the steps a second, and pixels {self.difference:.1f} of 255 off on average "
            f"(measured on {self.date} with {drawn} of {self.width} x {self.height} in {self.steps} steps on "
            f"{self.device}){of_use}"
        )


class StepTimes:
    """Times of the steps of drawings that are reported through ``watching``."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._times: list[float] = []

    def watching(self, control: DrawControl) -> DrawControl:
        """Return a control that also takes the time of each step, from the first on; previews would cost some."""
        self._times.clear()

        def step(done: int, total: int) -> None:
            if self._device.type == "cuda":
                torch.cuda.synchronize(self._device)  # else the time is that of queueing
            self._times.append(time.perf_counter())
            control.step(done, total)

        return replace(control, on_step=step, on_preview=None)

    @property
    def seconds(self) -> float:
        """Seconds from the end of the first step, in which kernels are chosen, to that of the last."""
        return self._times[-1] - self._times[0] if len(self._times) > 1 else 0.0


def measured(
    plain: Sequence[Image.Image],
    fast: Sequence[Image.Image],
    seconds: tuple[float, float],
    steps: int,
    device: str,
    pictures: int = 1,
) -> Measurement | None:
    """Return what two drawings of the same request show; ``None`` where no time passed between two steps.

    Args:
        plain, fast: the pictures, without and with ``--fast``; those of one may be fewer, if some were withheld.
        seconds: that the steps took, without and with.
        steps: denoising steps of each.
        device: its name.
        pictures: asked for at once, those that were withheld among them.
    """
    if not (plain and fast and all(second > 0 for second in seconds)):
        return None
    differences = [difference(one, other) for one, other in zip(plain, fast, strict=False)]
    width, height = fast[0].size
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    gain = seconds[0] / seconds[1]
    off = round(float(np.mean(differences)), 3)
    return Measurement(round(gain, 3), off, width, height, steps, device, today, pictures)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean absolute difference of two RGB images of one size, 0..255."""
    return float(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).mean())


def device_name(device: torch.device) -> str:
    """Return what a device is called."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


class Record:
    """Measurements that were made on this machine.

    Args:
        file: where they are kept, as JSON.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, key: str) -> Measurement | None:
        """Return a measurement; ``None`` if there is none that can be read."""
        try:
            return Measurement(**self._all()[key])
        except (KeyError, TypeError):
            return None

    def put(self, key: str, measurement: Measurement) -> None:
        """Keep a measurement.

        Raises:
            UserError: the file can't be written.
        """
        known = {**self._all(), key: asdict(measurement)}
        kept = dict(list(known.items())[-MOST_KEPT:])
        write_whole(self._file, json.dumps(kept, indent=1).encode(), durable=False)

    def _all(self) -> dict[str, Any]:
        try:
            known = json.loads(read_regular_text(self._file))
        except (OSError, ValueError, RecursionError):
            return {}  # it is measured again
        return known if isinstance(known, dict) else {}


def key_of(*parts: object) -> str:
    """Return a key of what a measurement depends on, besides the versions that are installed."""
    versions = [version("torch"), version("diffusers")]
    return hashlib.sha256(repr([*parts, *versions]).encode()).hexdigest()[:16]
