"""Diversity over seeds."""

from pathlib import Path

import numpy as np
import pytest

from imagerag.evaluation.metrics.base import MetricContext
from imagerag.evaluation.metrics.registry import load_metric
from imagerag.evaluation.metrics.vision_model import VisionModel
from tests.evaluation.metrics.drawings import OWL, drawing, noise


def test_the_mean_over_drawings_is_the_mean_over_pairs(dino: Path) -> None:
    images = {seed: noise(seed) for seed in range(3)}
    context = MetricContext(siblings=lambda one: [images[seed] for seed in images if seed != one.seed])
    metric = load_metric(f"diversity:dino:{dino}", context)
    values = [metric.measure(drawing(seed), OWL, images[seed]).value or 0.0 for seed in images]
    rows = VisionModel(str(dino)).embed(list(images.values()))
    pairs = [1 - float(rows[a] @ rows[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert np.mean(values) == pytest.approx(np.mean(pairs), abs=1e-5)


def test_a_single_seed_has_none(dino: Path) -> None:
    assert load_metric(f"diversity:dino:{dino}").measure(drawing(), OWL, noise(1)).value is None
