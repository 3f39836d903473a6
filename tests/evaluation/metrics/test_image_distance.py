"""Comparisons of two images."""

import sys
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.metrics.image_distance import COMPARISONS, load_distance
from imagerag.evaluation.metrics.registry import load_metric
from tests.evaluation.metrics.drawings import noise, plain


def test_every_comparison_finds_the_same_picture_nearest(dino: Path, packages: dict[str, list[object]]) -> None:
    models = {"dino": str(dino), "clip": "embedded", "lpips": "squeeze", "dreamsim": ""}
    assert set(models) == set(COMPARISONS)
    assert packages
    for name, model in models.items():
        distance = load_distance(f"{name}:{model}", "cpu")
        distances = distance.distances(noise(1), distance.prepare([plain("red"), noise(1), noise(2)]))
        assert distances.shape == (3,)
        assert distances.argmin() == 1
        assert distances[1] == pytest.approx(0.0, abs=1e-5)


def test_an_unknown_comparison_is_refused() -> None:
    with pytest.raises(UserError, match="images can't be compared by 'psnr'; there are dino, clip, lpips, dreamsim"):
        load_metric("copying:psnr")


def test_a_package_that_breaks_as_it_is_imported_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lpips.py").write_text("import a_library_that_nobody_has", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lpips", raising=False)
    with pytest.raises(UserError, match=r"can't import the package 'lpips' \(No module named 'a_library"):
        load_metric("lpips")
