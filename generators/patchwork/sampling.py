"""The sampler: walks from noise to pictures, one a seed, along the steps of a schedule.

``imagerag.generators.patchwork.pipeline`` is the same sampler as a ``diffusers`` pipeline, with any of its schedulers.
The generator needs DDIM alone, and walks with ``DdimSchedule``: the import of any part of diffusers brings sympy and
``torch._dynamo``, which takes longer than a drawing. The tests hold that both give the same pixels.
"""

import copy
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imagerag.generators.patchwork.denoiser import PatchPosterior
from imagerag.generators.patchwork.variation import generator_for, vary

MAX_SIGMA, MIN_SIGMA = 8.0, 0.03
"""Noise levels between which the sampler walks; pixels lie in -1..1."""
TRAIN_STEPS = 200
"""Noise levels of the schedule, of which a walk takes some."""
SEED_LIMIT = 2**63
INK = -0.8
"""Alpha, -1..1, above which a pixel is part of what is drawn."""
_LAYER_STRIDE = 0x1E3779B97F4A7C15
"""Odd, so that (seed, layer) pairs stay apart modulo 2**63."""


@dataclass(frozen=True)
class Layer:
    """One object of the picture, lowest layer first.

    Attributes:
        examples: (K, 4, H, W) premultiplied RGBA in 0..1: the data set of this object.
        log_prior: (K,) natural logarithms of how likely each example is beforehand.
        left, top: where the layer's corner lies on the canvas, in pixels; the layer may reach beyond the canvas.
        keys: (K,) integers that tell the examples apart; what a seed does to an example depends on its key.
        tint: let the seed vary hue a little.
    """

    examples: Tensor
    log_prior: Tensor
    keys: tuple[int, ...]
    left: int
    top: int
    tint: bool = True


def betas() -> list[float]:
    """Return the schedule's betas, such that its noise levels are log-uniform in sigma.

    With examples in place of a network there is no trained schedule to match; equal ratios of sigma spend the steps
    evenly over layout, parts and outlines.
    """
    alphas = 1 / (1 + np.geomspace(MIN_SIGMA, MAX_SIGMA, TRAIN_STEPS) ** 2)
    return [float(beta) for beta in 1 - alphas / np.concatenate([[1.0], alphas[:-1]])]


class Step:
    """What a step of a scheduler returns.

    Attributes:
        prev_sample: the latents at the next, lower noise level.
    """

    __slots__ = ("prev_sample",)

    def __init__(self, prev_sample: Tensor) -> None:
        self.prev_sample = prev_sample


class DdimSchedule:
    """Deterministic DDIM (Song et al. 2021) over ``betas``, for a model that predicts the clean sample.

    What it has in common with ``diffusers.DDIMScheduler`` has the same names and gives the same numbers.

    Args:
        steps: of a walk, 1..200.
    """

    def __init__(self, steps: int) -> None:
        self._stride = TRAIN_STEPS // steps
        self.alphas_cumprod = torch.cumprod(1.0 - torch.tensor(betas(), dtype=torch.float32), dim=0)
        taken = np.round(np.arange(TRAIN_STEPS, 0, -TRAIN_STEPS / steps)).astype(np.int64) - 1
        self.timesteps = torch.from_numpy(taken)

    def step(self, model_output: Tensor, timestep: Tensor, sample: Tensor) -> Step:
        """Return the latents one step further down.

        Args:
            model_output: the clean sample, as it looks from here.
            timestep: of ``timesteps``.
            sample: the latents at that noise level.
        """
        before = timestep - self._stride
        alpha = self.alphas_cumprod[timestep]
        alpha_before = self.alphas_cumprod[before] if before >= 0 else torch.tensor(1.0)
        noise = (sample - alpha**0.5 * model_output) / (1 - alpha) ** 0.5
        return Step(alpha_before**0.5 * model_output + (1 - alpha_before) ** 0.5 * noise)


class Walks:
    """The ways of several seeds from noise to pictures, side by side; to be closed.

    Every seed is computed by itself, with tensors of its own shape: its pixels do not depend on the others.
    The latents of one picture are all its layers, flattened one behind the other: one vector, one scheduler step.

    Args:
        layers: the objects, lowest first; may be empty (plain background).
        seeds: one picture each, 0 <= seed < 2**63.
        scheduler: ``DdimSchedule`` or a diffusers scheduler whose timesteps are set.
    """

    def __init__(self, layers: Sequence[Layer], seeds: Sequence[int], scheduler: Any) -> None:
        self._layers = layers
        # A scheduler may keep a history of its steps, so each picture walks with one of its own.
        self._walks = [_Walk(layers, seed, copy.deepcopy(scheduler)) for seed in seeds]
        self._pool = ThreadPoolExecutor(min(len(self._walks), os.cpu_count() or 1))

    def __enter__(self) -> "Walks":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def step(self, timestep: Tensor) -> None:
        """Take every walk one step down."""
        estimates = list(self._pool.map(partial(_Walk.estimate, timestep=timestep), self._walks))
        for walk, clean in zip(self._walks, estimates, strict=True):
            walk.step(clean, timestep)

    @property
    def latents(self) -> Tensor:
        """Where the walks are: (seeds, D)."""
        return torch.stack([walk.latents for walk in self._walks])

    @latents.setter
    def latents(self, latents: Tensor) -> None:
        for walk, row in zip(self._walks, latents, strict=True):
            walk.latents = row

    def pictures(self, background: tuple[int, int, int], size: int) -> list[Tensor]:
        """Return one picture per seed, (3, size, size) in 0..1, over a background of that RGB colour, 0..255."""
        return [composite(self._layers, walk.split(), background, size) for walk in self._walks]


class _Walk:
    """One seed's way from noise to picture."""

    def __init__(self, layers: Sequence[Layer], seed: int, scheduler: Any) -> None:
        self._scheduler = scheduler
        self._denoisers: list[PatchPosterior] = []
        self._shapes = [tuple(layer.examples.shape[1:]) for layer in layers]
        alpha = float(scheduler.alphas_cumprod[int(scheduler.timesteps[0])])
        start: list[Tensor] = []
        for number, layer in enumerate(layers):
            own_seed = (seed + number * _LAYER_STRIDE) % SEED_LIMIT
            examples, log_prior = vary(layer.examples, layer.log_prior, layer.keys, own_seed, tint=layer.tint)
            denoiser = PatchPosterior((examples * 2 - 1).numpy(), log_prior.numpy())
            self._denoisers.append(denoiser)
            noise = torch.randn(self._shapes[number], generator=generator_for(own_seed, 0))
            # The walk starts at a finite sigma: from pure noise, which is grey on average, it would favour examples
            # that are grey on average.
            mean = torch.from_numpy(denoiser.prior_mean())
            start.append((alpha**0.5 * mean + (1 - alpha) ** 0.5 * noise).flatten())
        self.latents = torch.cat(start) if start else torch.zeros(0)

    def estimate(self, timestep: Tensor) -> Tensor:
        """The clean layers as they look from here; touches nothing that another seed uses."""
        alpha = float(self._scheduler.alphas_cumprod[int(timestep)])
        sigma = ((1 - alpha) / alpha) ** 0.5
        layers = zip(self._denoisers, self.split(alpha**-0.5), strict=True)
        clean = [torch.from_numpy(denoiser(noisy.numpy(), sigma)).flatten() for denoiser, noisy in layers]
        return torch.cat(clean) if clean else self.latents

    def step(self, clean: Tensor, timestep: Tensor) -> None:
        if self._shapes:
            self.latents = self._scheduler.step(clean, timestep, self.latents).prev_sample

    def split(self, gain: float = 1.0) -> list[Tensor]:
        """The layers (4, H, W) of the latents, times ``gain``."""
        return _split(self.latents * gain, self._shapes)


def sample(
    layers: Sequence[Layer],
    seeds: Sequence[int],
    steps: int,
    background: tuple[int, int, int],
    size: int,
    after_step: Callable[[int, Walks], None],
) -> list[Image.Image]:
    """Return one picture per seed, drawn by deterministic DDIM.

    Args:
        layers: the objects, lowest first; may be empty (plain background).
        seeds: 0 <= seed < 2**63.
        steps: 1..200.
        background: RGB, 0..255.
        size: side of the canvas in pixels.
        after_step: called with the number of the step, 1-based, and where the walks are; may raise to stop there.
    """
    schedule = DdimSchedule(steps)
    with torch.no_grad(), Walks(layers, seeds, schedule) as walks:
        for done, timestep in enumerate(schedule.timesteps, 1):
            walks.step(timestep)
            after_step(done, walks)
        return [to_pil(picture) for picture in walks.pictures(background, size)]


def rough(layers: Sequence[Layer], latents: Tensor, background: tuple[int, int, int], size: int) -> Image.Image:
    """Return one picture as it stands between two steps, its noise still in it."""
    return to_pil(
        composite(layers, _split(latents, [tuple(layer.examples.shape[1:]) for layer in layers]), background, size)
    )


def _split(latents: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    sizes = [channels * height * width for channels, height, width in shapes]
    parts = torch.split(latents, sizes) if sizes else ()
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]


def composite(layers: Sequence[Layer], drawn: Sequence[Tensor], background: tuple[int, int, int], size: int) -> Tensor:
    """Lay premultiplied layers (4, H, W) in -1..1 over a plain background; (3, size, size) in 0..1."""
    canvas = torch.tensor(background, dtype=torch.float32).view(3, 1, 1).expand(3, size, size) / 255
    canvas = canvas.clone()
    for layer, pixels in zip(layers, drawn, strict=True):
        height, width = pixels.shape[-2:]
        ink = pixels[3] > INK
        x, y = _kept(ink.any(dim=0), layer.left, size), _kept(ink.any(dim=1), layer.top, size)
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + width, size), min(y + height, size)
        if right <= left or bottom <= top:
            continue
        seen = pixels[:, top - y : bottom - y, left - x : right - x] / 2 + 0.5
        alpha = seen[3:].clamp(0, 1)
        colour = seen[:3].clamp(min=0).minimum(alpha)
        below = canvas[:, top:bottom, left:right]
        canvas[:, top:bottom, left:right] = colour + (1 - alpha) * below
    return canvas.clamp(0, 1)


def _kept(ink: Tensor, start: int, size: int) -> int:
    """Where a layer begins along one side, so that what is drawn on it stays on the canvas, or sticks out evenly."""
    drawn = torch.nonzero(ink)
    if not len(drawn):
        return start
    first, end = start + int(drawn[0]), start + int(drawn[-1]) + 1
    if end - first > size:
        return start - first - (end - first - size) // 2
    return start - min(first, 0) - max(end - size, 0)


def to_pil(picture: Tensor) -> Image.Image:
    """Return a picture (3, h, w) in 0..1 as an image."""
    pixels = (picture * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return Image.fromarray(pixels, "RGB")
