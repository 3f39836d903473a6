"""The sampler as a ``diffusers`` pipeline: scheduler, steps, callbacks and interruption are diffusers' own."""

import copy
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

# From where they are defined: to a type checker, the package's own names are placeholders without methods.
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.utils.outputs import BaseOutput
from PIL import Image
from torch import Tensor

from imagerag.generators.patchwork.denoiser import PatchPosterior
from imagerag.generators.patchwork.variation import generator_for, vary

MAX_SIGMA, MIN_SIGMA = 8.0, 0.03
"""Noise levels between which the sampler walks; pixels lie in -1..1."""
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


@dataclass
class PatchworkOutput(BaseOutput):
    """Attributes:
    images: one RGB image per seed, or a (B, size, size, 3) array in 0..1 with ``output_type="np"``.
    """

    images: list[Image.Image] | np.ndarray


def default_scheduler() -> DDIMScheduler:
    """A deterministic DDIM scheduler (Song et al. 2021) whose timesteps are log-uniform in sigma.

    With examples in place of a network there is no trained schedule to match; equal ratios of sigma spend the steps
    evenly over layout, parts and outlines.
    """
    sigmas = np.geomspace(MIN_SIGMA, MAX_SIGMA, 200)
    alphas = 1 / (1 + sigmas**2)
    betas = 1 - alphas / np.concatenate([[1.0], alphas[:-1]])
    scheduler: DDIMScheduler = DDIMScheduler(
        num_train_timesteps=len(betas),
        trained_betas=[float(beta) for beta in betas],
        clip_sample=False,
        prediction_type="sample",
        timestep_spacing="trailing",
        set_alpha_to_one=True,
    )
    return scheduler


class PatchworkPipeline(DiffusionPipeline):
    """Draws layered pictograms from the examples it is given in the call; it has no weights.

    The latents of one picture are all its layers, flattened one behind the other: one vector, one scheduler step.

    Args:
        scheduler: a variance-preserving diffusers scheduler (``alphas_cumprod``) with ``prediction_type="sample"``.
    """

    _callback_tensor_inputs = ["latents"]  # noqa: RUF012 - the name and type are diffusers'

    def __init__(self, scheduler: DDIMScheduler) -> None:
        super().__init__()
        register: Callable[..., None] = self.register_modules  # diffusers leaves it untyped
        register(scheduler=scheduler)
        self._interrupt = False

    @property
    def interrupt(self) -> bool:
        return self._interrupt

    @torch.no_grad()
    def __call__(
        self,
        layers: Sequence[Layer],
        seeds: Sequence[int],
        *,
        background: tuple[int, int, int] = (255, 255, 255),
        size: int = 128,
        num_inference_steps: int = 24,
        output_type: str = "pil",
        return_dict: bool = True,
        callback_on_step_end: Callable[[Any, int, int, dict[str, Any]], dict[str, Any]] | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> PatchworkOutput | tuple[Any]:
        """Draw one picture per seed.

        Every seed is computed by itself, with tensors of its own shape: its pixels do not depend on the batch.

        Args:
            layers: the objects, lowest first; may be empty (plain background).
            seeds: one picture each, 0 <= seed < 2**63.
            background: RGB, 0..255.
            size: side of the canvas in pixels.
            num_inference_steps: >= 1, at most the scheduler's number of training steps.
            output_type: ``pil`` or ``np``.
            return_dict: return ``PatchworkOutput`` rather than a tuple.
            callback_on_step_end: called with (pipeline, step, timestep, {"latents": (B, D)}) after each step; it may
                replace the latents, or set ``pipeline._interrupt`` to skip the remaining steps.
            callback_on_step_end_tensor_inputs: which tensors the callback gets; only ``latents`` is there.
        """
        unknown = set(callback_on_step_end_tensor_inputs) - set(self._callback_tensor_inputs)
        if unknown:
            raise ValueError(f"callback_on_step_end_tensor_inputs: {sorted(unknown)!r}; valid: ['latents']")
        self._interrupt = False
        self.scheduler.set_timesteps(num_inference_steps)
        # A scheduler may keep a history of its steps, so each picture walks with one of its own.
        walks = [_Walk(layers, seed, copy.deepcopy(self.scheduler)) for seed in seeds]
        with ThreadPoolExecutor(min(len(walks), os.cpu_count() or 1)) as pool:
            for index, timestep in enumerate(self.progress_bar(self.scheduler.timesteps)):
                if self.interrupt:
                    continue
                estimates = list(pool.map(partial(_Walk.estimate, timestep=timestep), walks))
                for walk, clean in zip(walks, estimates, strict=True):
                    walk.step(clean, timestep)
                if callback_on_step_end is None:
                    continue
                tensors = {"latents": torch.stack([walk.latents for walk in walks])}
                changed = callback_on_step_end(self, index, int(timestep), dict(tensors)) or {}
                latents = changed.get("latents", tensors["latents"])
                if latents is not tensors["latents"]:
                    for walk, row in zip(walks, latents, strict=True):
                        walk.latents = row
        pictures = [composite(layers, walk.split(), background, size) for walk in walks]
        images: list[Image.Image] | np.ndarray
        if output_type == "np":
            images = np.stack([picture.permute(1, 2, 0).numpy() for picture in pictures])
        else:
            images = [_to_pil(picture) for picture in pictures]
        return PatchworkOutput(images=images) if return_dict else (images,)


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


def rough(layers: Sequence[Layer], latents: Tensor, background: tuple[int, int, int], size: int) -> Image.Image:
    """Return one picture as it stands between two steps, its noise still in it."""
    return _to_pil(
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


def _to_pil(picture: Tensor) -> Image.Image:
    pixels = (picture * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return Image.fromarray(pixels, "RGB")
