"""The check of real GPUs, at sizes that a CPU can draw: every way through it but those that need a card."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from imagerag.generators.base import DrawControl, DrawRequest
from imagerag.generators.diffusion.presets import load_presets
from testing import gpu_checking, gpu_embedding, gpu_rows, random_weights, tiny_families, tiny_models
from testing.family_requests import SAVED, load_family
from testing.gpu_rows import Row, handed_over, measured, surviving, told_of

SMALL = {"sd15": 64, "sdxl": 64, "flux": 32, "sd35": 64, "omnigen": 64, "qwen-edit": 64}
"""Presets tried, one for each way that references go in, with a size in pixels."""


def tables(name: str, root: Path) -> dict[str, Any]:
    """The tables of ``published_models.toml`` for a tiny checkpoint of that preset."""
    from diffusers import DiffusionPipeline

    source: Any = DiffusionPipeline
    pipeline = source.from_pretrained(str(SAVED[name](root)), use_safetensors=True)
    parts = {
        place: {"class": f"{type(part).__module__}.{type(part).__name__}", "source": "here", **settings(part.config)}
        for place, part in pipeline.components.items()
        if isinstance(part, torch.nn.Module)
    }
    if name in ("sd15", "sdxl", "flux"):
        part = tiny_models.clip_vision()
        parts["image_encoder"] = {"class": "transformers.CLIPVisionModelWithProjection", **settings(part.config)}
    if name == "sd35":
        parts["image_encoder"] = {
            "class": "transformers.SiglipVisionModel", "hidden_size": 32, "intermediate_size": 37,
            "num_attention_heads": 4, "num_hidden_layers": 2, "image_size": 32, "patch_size": 16,
        }  # fmt: skip
    return {"part": {f"{name}-{place}": part for place, part in parts.items()},
            "model": {name: {place: f"{name}-{place}" for place in parts}}}  # fmt: skip


def settings(config: Any) -> dict[str, Any]:
    known = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    return {name: value for name, value in known.items() if not name.startswith("_") and value is not None}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_preset_is_measured_and_its_images_are_kept(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # At a megapixel, to which it scales references, a CPU convolves for minutes.
    edit = importlib.import_module("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus")
    monkeypatch.setattr(edit, "VAE_IMAGE_SIZE", 64 * 64)
    known = tables(name, tmp_path / "pattern")
    monkeypatch.setattr(random_weights, "published", lambda: known)
    side, preset = SMALL[name], load_presets({})[name]
    small = preset.model_copy(update={"width": side, "height": side, "steps": 3})
    monkeypatch.setattr(gpu_checking, "preset_of", lambda name: small)
    monkeypatch.setattr(gpu_rows, "OWN_TIME_PAIRS", 1)
    monkeypatch.setattr(gpu_checking, "print_rows", lambda device: None)
    out = tmp_path / "out"
    code = gpu_checking.check_presets(["--random-weights", "--modes", "full,4bit", "--out", str(out), name])
    assert code == 1  # 4 bits need a card
    full, quantised = json.loads((out / "rows.json").read_text())
    assert full["state"] == "ok", full
    assert full["picture"] == "ok"
    assert full["steps_per_s"] > 0
    assert full["stop_s"] >= 0
    assert full["references"] == preset.max_references
    assert full["effect"] > 0  # a reference changes the picture
    assert "GPU" in quantised["state"]
    kept = sorted(file.name for file in out.glob("*.png"))
    fast = ["fast"] if full["fast_gain"] else []
    assert kept == [f"{name}-full-{what}.png" for what in (*fast, "plain", "references", "scale-0")]
    assert full["attention"] == "native"
    assert full["swaps"] is None  # all lie on the device
    if name in ("sd15", "sdxl"):
        assert full["fast"] == "channels last"
        assert full["fast_difference"] >= 0
    else:
        assert full["fast"].startswith("--fast is ignored: there is nothing for")
    assert "own_percent" in capsys.readouterr().out


@pytest.mark.slow
def test_embedding_pictures_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    gpu_embedding.print_rows(torch.device("cpu"), pictures=2, models=("ViT-B-32",))
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[1] for row in rows] == ["float32", "bfloat16"]
    assert all(float(row[2]) >= 0 for row in rows)


def test_a_row_that_runs_out_of_memory_costs_no_other() -> None:
    def too_large(row: Row) -> Iterator[Row]:
        yield replace(row, draw_s=3.0)
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    assert surviving(Row("flux", "full"), too_large) == Row("flux", "full", "out of memory", draw_s=3.0)
    assert surviving(Row("flux", "offload"), lambda row: iter([row])).state == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sd15", "qwen-edit"])
def test_the_bare_call_draws_the_same_steps_at_the_same_size(name: str, tmp_path: Path) -> None:
    generator = load_family(tmp_path, name)
    given = handed_over(generator, DrawRequest("an owl", (7,)), DrawControl())
    assert (given["width"], given["height"], given["num_inference_steps"]) == (32, 32, 2)


@pytest.mark.slow
def test_a_generator_that_steps_down_while_it_draws_is_no_row_of_its_mode(tmp_path: Path) -> None:
    generator = load_family(tmp_path, "sd15")
    generator._loaded.mode = "offload"
    row = surviving(Row("sd15", "full"), lambda row: measured(row, generator, tmp_path / "out"))
    assert row.state == "out of memory"


def test_pictures_and_references_that_are_of_no_use_are_wrong() -> None:
    assert list(gpu_checking._wrong(Row("sd15", "full", picture="ok", effect=3.0))) == []
    assert len(list(gpu_checking._wrong(Row("sd15", "full", picture="black", effect=0.0)))) == 2


def test_a_preset_that_cannot_be_built_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("no such configuration")

    monkeypatch.setattr(gpu_checking, "_random", fails)
    monkeypatch.setattr(gpu_checking, "print_rows", lambda device: None)
    asked = ["--random-weights", "--out", str(tmp_path / "out"), "sdxl", "flux", "nosuch"]
    assert gpu_checking.check_presets(asked) == 1
    states = [row["state"] for row in json.loads((tmp_path / "out" / "rows.json").read_text())]
    assert [state.split(":")[0] for state in states] == ["can't be built", "can't be built"]
    assert "nosuch" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("colour", "finite", "said"),
    [("black", True, "black"), ((9, 9, 9), True, "one colour"), ("black", False, "not finite")],
)
def test_pictures_that_are_none_are_told(colour: Any, finite: bool, said: str) -> None:
    assert told_of(Image.new("RGB", (8, 8), colour), finite) == said
    assert told_of(Image.linear_gradient("L").convert("RGB"), True) == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("name", list(random_weights.published()["model"]))
def test_published_configurations_have_the_weights_that_memory_is_computed_from(name: str) -> None:
    preset = load_presets({})[name]
    counted = random_weights.count(name)
    told = {place: size for place, size in preset.weights.items() if place != "adapter"}
    assert set(counted) == set(told)
    for place, size in told.items():
        assert counted[place] == pytest.approx(size, rel=0.03, abs=0.006), place


def test_every_preset_has_a_configuration() -> None:
    assert set(random_weights.published()["model"]) == set(load_presets({}))


def test_a_preset_without_a_configuration_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_checking, "print_rows", lambda device: None)
    monkeypatch.setattr(gpu_checking, "published", lambda: {"model": {}})
    gpu_checking.check_presets(["--random-weights", "--out", str(tmp_path / "out"), "glm-image"])
    (row,) = json.loads((tmp_path / "out" / "rows.json").read_text())
    assert "published_models.toml" in row["state"]


def test_tokens_that_a_tokenizer_knows_replace_the_published_ones() -> None:
    tiny, _ = tiny_families.qwen_vl()
    assert random_weights._special(tiny)["image_token_id"] == tiny.config.image_token_id
