"""Over-copying of references."""

from pathlib import Path

import numpy as np
import pytest

from imagerag.evaluation.metrics.registry import load_metric
from imagerag.evaluation.metrics.vision_model import VisionModel
from imagerag.evaluation.records import UsedReference
from tests.evaluation.metrics.drawings import OWL, drawing, noise, opening, reference


def test_the_nearest_reference_counts(dino: Path) -> None:
    metric = load_metric(f"copying:dino:{dino}", opening(noise(1), noise(2)))
    used = (reference(noise(1), "owl"), reference(noise(2), "car"), reference(noise(2), "owl"))
    found = metric.measure(drawing(references=used), OWL, noise(1))
    assert found.value == pytest.approx(1.0, abs=1e-5)
    assert found.parts["owl"] == pytest.approx(1.0, abs=1e-5)
    assert found.parts["car"] < 1 - 1e-4


def test_without_references_there_is_no_value(dino: Path) -> None:
    for name in (f"copying:dino:{dino}", f"copying-background:{dino}"):
        metric = load_metric(name, opening(noise(1)))
        assert metric.measure(drawing(), OWL, noise(1)).value is None
        assert metric.notes == {}


def test_references_that_are_gone_are_told(dino: Path) -> None:
    for name in (f"copying:dino:{dino}", f"copying-background:{dino}"):
        metric = load_metric(name, opening(noise(1)))
        gone = drawing(references=(UsedReference("owl", "", "", "f" * 64, 0.1),))
        assert metric.measure(gone, OWL, noise(1)).value is None
        assert metric.notes == {"references whose pixels are not kept, left out": 1}
        both = drawing(references=(*gone.references, reference(noise(1))))
        assert metric.measure(both, OWL, noise(1)).value == pytest.approx(1.0, abs=1e-5)


def test_the_background_alone(dino: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the patches are taken for the subject; only the other half is compared."""
    subject = np.array([True] * 8 + [False] * 8)
    monkeypatch.setattr("imagerag.evaluation.metrics.copying.foreground", lambda features: subject)
    model = VisionModel(str(dino))
    means = [model.patches(noise(seed))[0][~subject].mean(0) for seed in (1, 2)]
    cosine = float(means[0] @ means[1] / np.linalg.norm(means[0]) / np.linalg.norm(means[1]))
    metric = load_metric(f"copying-background:{dino}", opening(noise(2)))
    found = metric.measure(drawing(references=(reference(noise(2), "owl"),)), OWL, noise(1))
    assert found.value == pytest.approx(cosine, abs=1e-5)
    assert found.parts == {"owl": found.value}
