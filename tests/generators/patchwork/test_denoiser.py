"""The posterior mean over patches."""

import numpy as np
import pytest

from imagerag.generators.patchwork.denoiser import PatchPosterior, box_mean


def test_without_noise_an_example_is_its_own_estimate() -> None:
    rng = np.random.default_rng(1)
    examples = rng.uniform(-1, 1, (3, 4, 32, 32)).astype(np.float32)
    posterior = PatchPosterior(examples, np.zeros((3, 32, 32), np.float32))
    assert posterior(examples[1], 0.03) == pytest.approx(examples[1], abs=1e-3)


def test_the_patch_mean_counts_only_what_lies_inside() -> None:
    maps = np.random.default_rng(1).normal(size=(2, 9, 12)).astype(np.float32)
    direct = np.zeros_like(maps)
    for y in range(9):
        for x in range(12):
            direct[:, y, x] = maps[:, max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].mean(axis=(1, 2))
    assert np.asarray(box_mean(maps, 2)) == pytest.approx(direct, abs=1e-5)
