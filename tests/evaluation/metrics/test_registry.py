"""The table of metrics."""

import subprocess
import sys
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.metrics.base import MetricContext
from imagerag.evaluation.metrics.registry import METRICS, OF_PACKAGES, Told, load_metric, read_metric
from testing.openai_server import serving
from testing.soft_tifa_judge import by_first_word, judging
from tests.evaluation.metrics.drawings import drawing, noise, reference


@pytest.mark.parametrize(
    ("told", "read", "name"),
    [
        ("clip", Told("clip"), "clip"),
        ("clip:ViT-B-32:openai", Told("clip", "ViT-B-32:openai"), "clip-vit-b-32-openai"),
        (
            "copying:dino:facebook/dinov2-base",
            Told("copying", "dino:facebook/dinov2-base"),
            "copying-dino-facebook-dinov2-base",
        ),
        (
            "soft-tifa:openai:m@http://h:1/v1",
            Told("soft-tifa", "openai:m@http://h:1/v1"),
            "soft-tifa-openai-m-http-h-1-v1",
        ),
        ("presence:openai:m", Told("presence", "openai:m"), "presence"),
        ("vqascore", Told("vqascore"), "vqascore"),
        ("vqascore:qwen3-vl-2b@~/apart", Told("vqascore", "qwen3-vl-2b", "~/apart"), "vqascore-qwen3-vl-2b"),
        ("hpsv3@C:\\apart", Told("hpsv3", "", "C:\\apart"), "hpsv3"),
    ],
)
def test_what_a_person_writes(told: str, read: Told, name: str) -> None:
    assert read_metric(told) == read
    assert read_metric(told).name == name


def test_an_unknown_metric_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match="metric 'vqa-score' is not known; did you mean 'vqascore'"):
        load_metric("vqa-score")
    with pytest.raises(UserError, match=f"there are {', '.join(METRICS)}"):
        load_metric("")


def test_each_metric_needs_what_the_table_says(dino: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(judging(by_first_word)) as server:
        models = {
            "clip": "embedded", "siglip": "embedded", "clip-image": "embedded", "dino": str(dino),
            "presence": server.name, "soft-tifa": server.name, "soft-tifa-gm": server.name, "copying": f"dino:{dino}",
            "copying-background": str(dino), "diversity": f"dino:{dino}",
        }  # fmt: skip
        assert set(models) | OF_PACKAGES | {"lpips", "dreamsim"} == set(METRICS), "those need packages"
        for name, model in models.items():
            assert load_metric(f"{name}:{model}").needs == METRICS[name].needs, name


def test_nothing_heavy_is_imported_for_the_table() -> None:
    code = "import sys, imagerag.evaluation.metrics.registry as r; r.read_metric('dino'); "
    code += "print(sorted({'torch', 'transformers', 'open_clip', 'langchain_core', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_context_without_anything_gives_nothing() -> None:
    context = MetricContext()
    assert context.open_reference(reference(noise(1))) is None
    assert list(context.siblings(drawing())) == []
