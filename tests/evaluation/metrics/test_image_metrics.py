"""Likeness to real pictures, over-copying and diversity: by a tiny DINO, the embedded CLIP and stub packages."""

import hashlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from imagerag.errors import UserError
from imagerag.evaluation.metrics.base import MetricContext
from imagerag.evaluation.metrics.image_distance import COMPARISONS, load_distance
from imagerag.evaluation.metrics.registry import load_metric
from imagerag.evaluation.metrics.vision_model import VisionModel
from imagerag.evaluation.records import SuitePrompt, UsedReference
from tests.evaluation.metrics.drawings import OWL, drawing, noise, plain, reference


def real(folder: Path, *pictures: Image.Image) -> SuitePrompt:
    """A prompt with real pictures in a folder."""
    names = []
    for number, picture in enumerate(pictures):
        picture.save(folder / f"{number}.png")
        names.append(f"{number}.png")
    return SuitePrompt(OWL.name, OWL.text, images=tuple(names))


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[object]]:
    """lpips and dreamsim, which compare mean colours; what they are made with is kept."""
    made: dict[str, list[object]] = {"lpips": [], "dreamsim": []}

    class LPIPS(torch.nn.Module):
        def __init__(self, net: str, verbose: bool) -> None:
            super().__init__()
            made["lpips"].append((net, verbose))

        def forward(self, one: torch.Tensor, other: torch.Tensor, normalize: bool) -> torch.Tensor:
            assert one.shape == other.shape == (1, 3, 256, 256)
            assert normalize
            assert 0 <= float(one.min()) <= float(one.max()) <= 1
            return (one - other).abs().mean().reshape(1, 1, 1, 1)

    def dreamsim(pretrained: bool, device: str, cache_dir: str, dreamsim_type: str) -> tuple[object, object]:
        made["dreamsim"].append((pretrained, device, dreamsim_type))
        print("Using cached")
        return (
            lambda one, other: (one - other).abs().mean().reshape(1),
            lambda image: torch.from_numpy(np.asarray(image.convert("RGB").resize((224, 224)), np.float32) / 255)[None],
        )

    monkeypatch.setitem(sys.modules, "lpips", module("lpips", LPIPS=LPIPS))
    monkeypatch.setitem(sys.modules, "dreamsim", module("dreamsim", dreamsim=dreamsim))
    return made


def module(name: str, **content: object) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(content)
    return made


class TestLikenessToReal:
    def test_the_value_is_the_mean_cosine(self, dino: Path, tmp_path: Path) -> None:
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

    def test_an_injected_picture_does_not_count(self, dino: Path, tmp_path: Path) -> None:
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

    def test_an_injected_picture_is_known_by_its_file_and_by_its_pixels(self, dino: Path, tmp_path: Path) -> None:
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

    def test_without_real_pictures_there_is_no_value(self, dino: Path) -> None:
        assert load_metric(f"dino:{dino}").measure(drawing(), OWL, noise(1)).value is None

    def test_a_picture_that_is_gone_is_told(self, dino: Path, tmp_path: Path) -> None:
        metric = load_metric(f"dino:{dino}", MetricContext(data=tmp_path))
        with pytest.raises(UserError, match=r"gone\.png"):
            metric.measure(drawing(), SuitePrompt("a", "a", images=("gone.png",)), noise(1))

    def test_distances_are_told_as_they_are(self, packages: dict[str, list[object]], tmp_path: Path) -> None:
        prompt = real(tmp_path, plain("black"), plain("white"))
        for name in ("lpips", "dreamsim"):
            metric = load_metric(name, MetricContext(data=tmp_path))
            assert metric.measure(drawing(), prompt, plain("black")).value == pytest.approx(0.5)
        assert packages == {"lpips": [("alex", False)], "dreamsim": [(True, "cpu", "ensemble")]}

    def test_other_networks_of_the_packages(self, packages: dict[str, list[object]]) -> None:
        assert load_metric("lpips:vgg").name == "lpips-vgg"
        load_metric("dreamsim:dinov2_vitb14")
        assert packages == {"lpips": [("vgg", False)], "dreamsim": [(True, "cpu", "dinov2_vitb14")]}
        with pytest.raises(UserError, match="LPIPS has no network 'resnet'; there are alex, vgg, squeeze"):
            load_metric("lpips:resnet")

    def test_what_a_package_prints_is_not_on_stdout(
        self, packages: dict[str, list[object]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        load_metric("dreamsim")
        assert packages["dreamsim"]
        assert capsys.readouterr().out == ""

    @pytest.mark.parametrize("name", ["lpips", "dreamsim"])
    def test_a_package_that_is_missing_is_named(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(UserError) as refused:
            load_metric(name)
        wanted = f"metric {name!r} needs the package {name!r}, which is not installed; run: pip install {name}"
        assert str(refused.value) == wanted

    def test_clip_compares_images_too(self, tmp_path: Path) -> None:
        metric = load_metric("clip-image:embedded", MetricContext(data=tmp_path))
        value = metric.measure(drawing(), real(tmp_path, noise(1)), noise(1)).value
        assert value == pytest.approx(1.0, abs=1e-5)


def opening(*pictures: Image.Image) -> MetricContext:
    known = {reference(picture).sha256: picture for picture in pictures}
    return MetricContext(open_reference=lambda used: known.get(used.sha256))


class TestCopying:
    def test_the_nearest_reference_counts(self, dino: Path) -> None:
        metric = load_metric(f"copying:dino:{dino}", opening(noise(1), noise(2)))
        used = (reference(noise(1), "owl"), reference(noise(2), "car"), reference(noise(2), "owl"))
        found = metric.measure(drawing(references=used), OWL, noise(1))
        assert found.value == pytest.approx(1.0, abs=1e-5)
        assert found.parts["owl"] == pytest.approx(1.0, abs=1e-5)
        assert found.parts["car"] < 1 - 1e-4

    def test_without_references_there_is_no_value(self, dino: Path) -> None:
        for name in (f"copying:dino:{dino}", f"copying-background:{dino}"):
            metric = load_metric(name, opening(noise(1)))
            assert metric.measure(drawing(), OWL, noise(1)).value is None
            assert metric.notes == {}

    def test_references_that_are_gone_are_told(self, dino: Path) -> None:
        for name in (f"copying:dino:{dino}", f"copying-background:{dino}"):
            metric = load_metric(name, opening(noise(1)))
            gone = drawing(references=(UsedReference("owl", "", "", "f" * 64, 0.1),))
            assert metric.measure(gone, OWL, noise(1)).value is None
            assert metric.notes == {"references whose pixels are not kept, left out": 1}
            both = drawing(references=(*gone.references, reference(noise(1))))
            assert metric.measure(both, OWL, noise(1)).value == pytest.approx(1.0, abs=1e-5)

    def test_the_background_alone(self, dino: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


class TestDiversity:
    def test_the_mean_over_drawings_is_the_mean_over_pairs(self, dino: Path) -> None:
        images = {seed: noise(seed) for seed in range(3)}
        context = MetricContext(siblings=lambda one: [images[seed] for seed in images if seed != one.seed])
        metric = load_metric(f"diversity:dino:{dino}", context)
        values = [metric.measure(drawing(seed), OWL, images[seed]).value or 0.0 for seed in images]
        rows = VisionModel(str(dino)).embed(list(images.values()))
        pairs = [1 - float(rows[a] @ rows[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
        assert np.mean(values) == pytest.approx(np.mean(pairs), abs=1e-5)

    def test_a_single_seed_has_none(self, dino: Path) -> None:
        assert load_metric(f"diversity:dino:{dino}").measure(drawing(), OWL, noise(1)).value is None


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
