"""``imagerag models``."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from imagerag.cli.main import run
from imagerag.generators.diffusion.presets import load_presets


def test_every_preset_with_its_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == set(load_presets())
    klein = rows["flux2-klein"]
    assert (klein["steps"], klein["guidance"], klein["max_references"]) == (4, 1.0, 4)
    assert klein["source"]
    assert run(["models"]) == 0
    told = capsys.readouterr().out
    assert "flux-schnell: black-forest-labs/FLUX.1-schnell\n  4 steps, guidance 0, 1024 x 1024\n" in told
    assert "unchecked: adapter" in told
    assert klein["fast"] == ["compiled blocks on a GPU", "SageAttention on a GPU where it is installed"]
    assert rows["sd35"]["fast"] == []
    assert "--fast: FirstBlockCache, compiled blocks" in told
    assert "--fast: nothing" in told
    assert rows["flux"]["fast_lacks"] == ""
    assert rows["chroma"]["fast_lacks"].startswith("no cache of steps, since in diffusers, ChromaPipeline keeps none")
    assert rows["flux"]["prompt_form"] == ""
    assert "it was taught on long descriptions in JSON" in rows["fibo-edit"]["prompt_form"]
    assert "30 steps, guidance 5, 1024 x 1024; it was taught on long descriptions in JSON" in told
    assert "on a GPU where it is installed; no cache of steps, since diffusers has none that ZImage" in " ".join(
        told.split()
    )


@pytest.mark.slow
def test_a_folder_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "Z-Image-Turbo-tuned"
    folder.mkdir()
    (folder / "model_index.json").write_text('{"_class_name": "ZImagePipeline"}', encoding="utf-8")
    assert run(["models", f"diffusers:{folder}", "sdxl"]) == 0
    told = capsys.readouterr().out
    assert "recipe: as z-image-turbo: its name has 'turbo'" in told
    assert "8 steps, guidance 0, 1024 x 1024" in told
    assert "--fast: compiled blocks on a GPU, SageAttention" in told
    assert "sdxl: stabilityai/stable-diffusion-xl-base-1.0" in told
    assert run(["models", "no-such"]) == 2
    assert "preset 'no-such' is not known" in capsys.readouterr().err


def test_a_file_with_what_it_is_and_how_that_was_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "z_image_turbo.safetensors"
    save_file({"layers.0.adaLN_modulation.0.weight": torch.zeros(1)}, file)
    assert run(["models", f"file:{file}"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(f"file:z_image_turbo.safetensors: {file} recipe: as z-image-turbo: its name has 'turbo'")
    assert "its weights have the names and shapes of 'z-image-turbo' in diffusers" in told
    assert "it is a guess by its name; of another, say @z-image or @z-image-turbo" in told
    assert "what the file lacks is taken from Tongyi-MAI/Z-Image-Turbo 8 steps, guidance 0, 1024 x 1024" in told
    assert run(["models", f"file:{file}@z-image", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["steps"], row["file"]) == (50, str(file))
    assert row["recipe"].startswith("as z-image, which stands behind @")
    assert run(["models", "file:nowhere.safetensors"]) == 2
    assert "'nowhere.safetensors' is not there" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["openai:gpt-image-2", "comfyui:http://127.0.0.1:8188", "patchwork"])
def test_what_is_no_local_model_is_told_as_that(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", name]) == 2
    told = capsys.readouterr().err
    assert "it is no local model of diffusers" in told
    assert f"imagerag doctor --generator {name}" in told
