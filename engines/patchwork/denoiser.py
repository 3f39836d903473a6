"""The exact denoiser of a small data set, restricted to local patches.

For noise level s, noisy canvas x and examples y_k (k = 1..K) shifted by d within a few pixels:

    dist_kd(p) = mean over the patch around p of |y_k(p + d) - x(p)|^2
    w_kd(p)    = softmax over (k, d) of ( log_prior_k(p) - SHARPNESS * n_eff * dist_kd(p) / (2 s^2) )
    x0(p)      = sum over (k, d) of w_kd(p) * y_k(p + d)

With the whole image as patch, no shift and ``SHARPNESS * n_eff`` = number of pixels this is the ideal denoiser of the
data set, which can only repeat it; locality and translation make it compose (Kamb & Ganguli 2024, "An analytic
theory of creativity in convolutional diffusion models"; Niedoba et al. 2024, "Towards a mechanistic explanation of
diffusion model generalization", patch-set posterior composites).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

SHARPNESS = 0.3
"""The constant c: neighbouring pixels of a drawing tell nearly the same, so evidence counts for less than its area."""


@dataclass(frozen=True)
class Level:
    """How the posterior is computed for one range of noise levels.

    Attributes:
        above: the lowest sigma for which this level is used.
        factor: weights are computed on a canvas this many times smaller, where noise is that many times weaker.
        reach: shifts run from -reach to reach, in pixels of the smaller canvas.
    """

    above: float
    factor: int
    reach: int


LEVELS = (Level(above=1.2, factor=4, reach=0), Level(above=0.35, factor=2, reach=1), Level(0.0, 1, 1))
WHOLE_SIGMA, LOCAL_SIGMA = 2.5, 0.15
"""The patch is the whole canvas above the first and shrinks, log-linearly in sigma, to LOCAL_PATCH at the second."""
LOCAL_PATCH = 9 / 128
"""Side of the smallest patch, as a share of the canvas."""


def patch_share(sigma: float) -> float:
    """Side of the patch at noise level ``sigma``, as a share (0..1] of the canvas side."""
    position = math.log(max(sigma, 1e-9) / LOCAL_SIGMA) / math.log(WHOLE_SIGMA / LOCAL_SIGMA)
    return math.pow(LOCAL_PATCH, 1.0 - min(max(position, 0.0), 1.0))


class PatchPosterior:
    """The posterior mean of a clean layer given a noisy one.

    Args:
        examples: (K, C, H, W) float32 in -1..1, K >= 1.
        log_prior: (K, H, W) float32, natural logarithms, not necessarily normalised.
    """

    def __init__(self, examples: Tensor, log_prior: Tensor) -> None:
        self._examples = examples
        self._log_prior = log_prior
        self._prepared: dict[Level, _Prepared] = {}

    def __call__(self, noisy: Tensor, sigma: float) -> Tensor:
        """Estimate the clean layer.

        Args:
            noisy: (C, H, W), clean layer plus Gaussian noise.
            sigma: standard deviation of that noise, > 0.

        Returns:
            (C, H, W), a convex combination of shifted examples at each pixel.
        """
        level = next(level for level in LEVELS if sigma >= level.above)
        if level not in self._prepared:
            self._prepared = {level: _Prepared(self._examples, self._log_prior, level)}
        return self._prepared[level].estimate(noisy, sigma)


class _Prepared:
    """Shifted copies of the examples for one level; made once and used for every step at that level."""

    def __init__(self, examples: Tensor, log_prior: Tensor, level: Level) -> None:
        self.factor = level.factor
        coarse = _shrink(examples, level.factor)
        self.coarse = _shifted(coarse, level.reach, 1)
        self.energy = self.coarse.square().sum(dim=1)
        self.fine = _shifted(examples, level.reach, level.factor)
        shifts = (2 * level.reach + 1) ** 2
        self.prior = _shrink(log_prior[:, None], level.factor)[:, 0].repeat_interleave(shifts, dim=0)

    def estimate(self, noisy: Tensor, sigma: float) -> Tensor:
        small = _shrink(noisy[None], self.factor)[0]
        mismatch = self.energy.clone()
        for channel in range(small.shape[0]):
            mismatch.addcmul_(self.coarse[:, channel], small[channel], value=-2.0)
        height, width = mismatch.shape[-2:]
        radius = max(1, round(patch_share(sigma) * min(height, width) / 2))
        evidence = min((2 * radius + 1) ** 2, height * width) / 2
        # Averaging factor x factor pixels divides the variance of the noise by factor^2.
        precision = SHARPNESS * evidence * self.factor**2 / (2 * sigma**2)
        logits = self.prior - precision * box_mean(mismatch, radius)
        weights = torch.softmax(logits, dim=0)
        if self.factor > 1:
            size = (noisy.shape[-2], noisy.shape[-1])
            weights = functional.interpolate(weights[:, None], size=size, mode="bilinear")[:, 0]
        clean = torch.zeros_like(noisy)
        for weight, example in zip(weights, self.fine, strict=True):
            clean.addcmul_(example, weight)
        return clean


def box_mean(maps: Tensor, radius: int) -> Tensor:
    """Mean over the (2 * radius + 1) square around each pixel, of the part of it that lies inside the map.

    Args:
        maps: (N, H, W).
        radius: pixels, >= 1.
    """
    for dim in (1, 2):
        length = maps.shape[dim]
        # float32 sums of at most a few hundred values of order 1: the error stays below 1e-5.
        sums = functional.pad(maps.cumsum(dim), (1, 0) if dim == 2 else (0, 0, 1, 0))
        centre = torch.arange(length)
        low, high = (centre - radius).clamp(min=0), (centre + radius + 1).clamp(max=length)
        shape = (-1, 1) if dim == 1 else (1, -1)
        maps = (sums.index_select(dim, high) - sums.index_select(dim, low)) / (high - low).view(shape)
    return maps


def _shrink(images: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return images
    return functional.avg_pool2d(images, factor, ceil_mode=True, count_include_pad=False)


def _shifted(images: Tensor, reach: int, stride: int) -> Tensor:
    """(K * S, C, H, W): each image in all S shifts; what comes in at the border repeats the border."""
    if reach == 0:
        return images
    height, width = images.shape[-2:]
    margin = reach * stride
    padded = functional.pad(images, (margin,) * 4, mode="replicate")
    offsets = range(0, 2 * margin + 1, stride)
    copies = [padded[..., dy : dy + height, dx : dx + width] for dy in offsets for dx in offsets]
    return torch.stack(copies, dim=1).flatten(0, 1).contiguous()
