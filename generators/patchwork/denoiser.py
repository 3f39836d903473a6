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

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

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
WIDE_SIGMA, LOCAL_SIGMA = 4.0, 0.15
"""The patch is WIDE_PATCH above the first and shrinks, log-linearly in sigma, to LOCAL_PATCH at the second."""
WIDE_PATCH, LOCAL_PATCH = 0.2, 9 / 128
"""Side of the largest and of the smallest patch, as shares of the layer. A wider one would decide the whole picture at
once, for one example; the seed's regional preferences decide instead where which example leads."""


def patch_share(sigma: float) -> float:
    """Side of the patch at noise level ``sigma``, as a share (0..1] of the layer's side."""
    position = math.log(max(sigma, 1e-9) / LOCAL_SIGMA) / math.log(WIDE_SIGMA / LOCAL_SIGMA)
    return float(LOCAL_PATCH * (WIDE_PATCH / LOCAL_PATCH) ** min(max(position, 0.0), 1.0))


class PatchPosterior:
    """The posterior mean of a clean layer given a noisy one.

    Written in NumPy on purpose: hundreds of small steps one after the other, each of which torch would share out among
    its threads and wait for; on a busy machine the waiting takes ten times as long as the work.

    Args:
        examples: (K, C, H, W) in -1..1, K >= 1.
        log_prior: (K, H, W), natural logarithms, not necessarily normalised.
    """

    def __init__(self, examples: Floats, log_prior: Floats) -> None:
        self._examples = examples
        self._log_prior = log_prior
        self._level: Level | None = None
        self._shifted: _ShiftedExamples | None = None

    def prior_mean(self) -> Floats:
        """(C, H, W): what the layer is expected to be before anything is seen of it."""
        weights = _softmax(self._log_prior)
        mean: Floats = np.einsum("khw,kchw->chw", weights, self._examples)
        return mean

    def __call__(self, noisy: Floats, sigma: float) -> Floats:
        """Estimate the clean layer.

        Args:
            noisy: (C, H, W), clean layer plus Gaussian noise.
            sigma: standard deviation of that noise, > 0.

        Returns:
            (C, H, W), a convex combination of shifted examples at each pixel.
        """
        level = next(level for level in LEVELS if sigma >= level.above)
        if self._shifted is None or level != self._level:
            self._level, self._shifted = level, _ShiftedExamples(self._examples, self._log_prior, level)
        return self._shifted.estimate(noisy, sigma)


class _ShiftedExamples:
    """Copies of the examples in all shifts of one level; made once and used for every step at that level."""

    def __init__(self, examples: Floats, log_prior: Floats, level: Level) -> None:
        self.factor = level.factor
        self.coarse = _shifted(_shrink(examples, level.factor), level.reach, 1)
        self.energy = np.square(self.coarse).sum(axis=1)
        self.fine = _shifted(examples, level.reach, level.factor)
        shifts = (2 * level.reach + 1) ** 2
        self.prior = np.repeat(_shrink(log_prior, level.factor), shifts, axis=0)

    def estimate(self, noisy: Floats, sigma: float) -> Floats:
        small = _shrink(noisy, self.factor)
        # |y - x|^2 without |x|^2, which is the same for all examples and shifts.
        mismatch = self.energy.copy()
        for channel in range(small.shape[0]):
            mismatch -= (2 * small[channel]) * self.coarse[:, channel]
        height, width = small.shape[-2:]
        radius = max(1, round(patch_share(sigma) * min(height, width) / 2))
        evidence = min((2 * radius + 1) ** 2, height * width) / 2
        # Averaging factor x factor pixels divides the variance of the noise by factor^2.
        precision = SHARPNESS * evidence * self.factor**2 / (2 * sigma**2)
        weights = _softmax(self.prior - np.float32(precision) * box_mean(mismatch, radius))
        if self.factor > 1:
            weights = _enlarge(weights, noisy.shape[-2:], self.factor)
        clean = np.zeros_like(noisy)
        for weight, example in zip(weights, self.fine, strict=True):
            clean += weight * example
        return clean


def box_mean(maps: Floats, radius: int) -> Floats:
    """Mean over the (2 * radius + 1) square around each pixel, of the part of it that lies inside the map.

    Args:
        maps: (N, H, W).
        radius: pixels, >= 1.
    """
    for axis in (1, 2):
        length = maps.shape[axis]
        # float32 sums of a few hundred values of order 1: the error of a mean stays below 1e-5.
        sums = np.cumsum(maps, axis=axis)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis=axis)
        centre = np.arange(length)
        low, high = np.maximum(centre - radius, 0), np.minimum(centre + radius + 1, length)
        count = (high - low).astype(np.float32).reshape((-1, 1) if axis == 1 else (1, -1))
        maps = (sums.take(high, axis) - sums.take(low, axis)) / count
    return maps


def _softmax(logits: Floats) -> Floats:
    weights: Floats = np.exp(logits - logits.max(axis=0))
    weights /= weights.sum(axis=0)
    return weights


def _shrink(images: Floats, factor: int) -> Floats:
    """Average ``factor`` x ``factor`` pixels; the layers' sides are multiples of every level's factor."""
    if factor == 1:
        return images
    height, width = images.shape[-2] // factor, images.shape[-1] // factor
    small: Floats = images.reshape(*images.shape[:-2], height, factor, width, factor).mean(axis=(-3, -1))
    return small


def _enlarge(maps: Floats, size: tuple[int, ...], factor: int) -> Floats:
    """Bilinear, with pixel centres in place."""
    for axis in (1, 2):
        length = maps.shape[axis]
        at = ((np.arange(size[axis - 1]) + 0.5) / factor - 0.5).clip(0, length - 1)
        low = np.floor(at).astype(int)
        part = (at - low).astype(np.float32).reshape((-1, 1) if axis == 1 else (1, -1))
        maps = maps.take(low, axis) * (1 - part) + maps.take(np.minimum(low + 1, length - 1), axis) * part
    return maps


def _shifted(images: Floats, reach: int, stride: int) -> Floats:
    """(K * S, C, H, W): each image in all S shifts; what comes in at the border repeats the border."""
    if reach == 0:
        return images
    height, width = images.shape[-2:]
    margin = reach * stride
    padded = np.pad(images, ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="edge")
    offsets = range(0, 2 * margin + 1, stride)
    copies = [padded[..., dy : dy + height, dx : dx + width] for dy in offsets for dx in offsets]
    stacked = np.stack(copies, axis=1)
    return stacked.reshape(-1, *stacked.shape[2:])
