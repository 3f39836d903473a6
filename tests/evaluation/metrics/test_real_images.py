"""Likeness to real pictures."""

import hashlib
import sys
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.metrics.base import MetricContext
from imagerag.evaluation.metrics.registry import load_metric
from imagerag.evaluation.metrics.vision_model import VisionModel
from imagerag.evaluation.records import SuitePrompt, UsedReference
from tests.evaluation.metrics.drawings import OWL, drawing, noise, plain, real, reference


def test_the_value_is_the_mean_cosine(dino: Path, tmp_path: Path) -> None:
    prompt = real(tmp_path, noise(1), noise(2), plain("red"))
    metric = load_metric(f"dino:{dino}", MetricContext(data=tmp_path))
    model = VisionModel(str(dino))
    here, there = model.embed([noise(9)])[0], model.embed([noise(1), noise(2), plain("red")])
    for _ in range(2):  # the second time from what was prepared
        assert metric.measure(drawing(), prompt, noise(9)).value == pytest.approx(
            float((there @ here).mean()), abs=1e-5
        )
    assert load_metric(f"dino:{dino}", MetricContext(data=tmp_path)).measure(
        drawing(), real(tmp_path, noise(9)), noise(9)
    ).value == pytest.approx(1.0, abs=1e-5)


def test_an_injected_picture_does_not_count(dino: Path, tmp_path: Path) -> None:
    metric = load_metric(f"dino:{dino}", MetricContext(data=tmp_path))
    prompt = real(tmp_path, noise(9), noise(2))
    alone = metric.measure(drawing(), real(tmp_path, noise(9), noise(2)), noise(9)).value
    apart = metric.measure(drawing(references=(reference(noise(9)),)), prompt, noise(9)).value
    assert alone is not None
    assert apart is not None
    assert apart < alone
    assert metric.notes == {"real pictures that a drawing had as a reference, left out": 1}
    used = (reference(noise(9)), reference(noise(2)))
    assert metric.measure(drawing(references=used), prompt, noise(9)).value is None


def test_an_injected_picture_is_known_by_its_file_and_by_its_pixels(dino: Path, tmp_path: Path) -> None:
    prompt = real(tmp_path, noise(9), noise(2))
    of_file = hashlib.sha256((tmp_path / "0.png").read_bytes()).hexdigest()
    again = UsedReference("owl", "", "", "e" * 64, 0.5)  # the same picture as another file
    for used, opens in ((UsedReference("owl", "", "", of_file, 0.5), None), (again, noise(9))):
        context = MetricContext(data=tmp_path, open_reference=lambda reference, opens=opens: opens)
        metric = load_metric(f"dino:{dino}", context)
        apart = metric.measure(drawing(references=(used,)), prompt, noise(9)).value
        alone = load_metric(f"dino:{dino}", context).measure(drawing(), real(tmp_path, noise(2)), noise(9)).value
        assert apart == pytest.approx(alone, abs=1e-5)
        real(tmp_path, noise(9), noise(2))


def test_without_real_pictures_there_is_no_value(dino: Path) -> None:
    assert load_metric(f"dino:{dino}").measure(drawing(), OWL, noise(1)).value is None


def test_a_picture_that_is_gone_is_told(dino: Path, tmp_path: Path) -> None:
    metric = load_metric(f"dino:{dino}", MetricContext(data=tmp_path))
    with pytest.raises(UserError, match=r"gone\.png"):
        metric.measure(drawing(), SuitePrompt("a", "a", images=("gone.png",)), noise(1))


def test_distances_are_told_as_they_are(packages: dict[str, list[object]], tmp_path: Path) -> None:
    prompt = real(tmp_path, plain("black"), plain("white"))
    for name in ("lpips", "dreamsim"):
        metric = load_metric(name, MetricContext(data=tmp_path))
        assert metric.measure(drawing(), prompt, plain("black")).value == pytest.approx(0.5)
    assert packages == {"lpips": [("alex", False)], "dreamsim": [(True, "cpu", "ensemble")]}


def test_other_networks_of_the_packages(packages: dict[str, list[object]]) -> None:
    assert load_metric("lpips:vgg").name == "lpips-vgg"
    load_metric("dreamsim:dinov2_vitb14")
    assert packages == {"lpips": [("vgg", False)], "dreamsim": [(True, "cpu", "dinov2_vitb14")]}
    with pytest.raises(UserError, match="LPIPS has no network 'resnet'; there are alex, vgg, squeeze"):
        load_metric("lpips:resnet")


def test_what_a_package_prints_is_not_on_stdout(
    packages: dict[str, list[object]], capsys: pytest.CaptureFixture[str]
) -> None:
    load_metric("dreamsim")
    assert packages["dreamsim"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["lpips", "dreamsim"])
def test_a_package_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError) as refused:
        load_metric(name)
    wanted = f"metric {name!r} needs the package {name!r}, which is not installed; run: pip install {name}"
    assert str(refused.value) == wanted


def test_clip_compares_images_too(tmp_path: Path) -> None:
    metric = load_metric("clip-image:embedded", MetricContext(data=tmp_path))
    value = metric.measure(drawing(), real(tmp_path, noise(1)), noise(1)).value
    assert value == pytest.approx(1.0, abs=1e-5)
