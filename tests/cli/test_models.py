"""``imagerag models``."""

import json
from pathlib import Path

import pytest

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
    assert "unchecked: licence" in told


@pytest.mark.slow
def test_a_folder_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "Z-Image-Turbo-tuned"
    folder.mkdir()
    (folder / "model_index.json").write_text('{"_class_name": "ZImagePipeline"}', encoding="utf-8")
    assert run(["models", f"diffusers:{folder}", "sdxl"]) == 0
    told = capsys.readouterr().out
    assert "recipe: as z-image-turbo: its name has 'turbo'" in told
    assert "8 steps, guidance 0, 1024 x 1024" in told
    assert "sdxl: stabilityai/stable-diffusion-xl-base-1.0" in told
    assert run(["models", "no-such"]) == 2
    assert "preset 'no-such' is not known" in capsys.readouterr().err


@pytest.mark.slow
def test_a_file_is_told_by_its_family(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch
    from safetensors.torch import save_file

    file = tmp_path / "mine.safetensors"
    save_file({"model.diffusion_model.output_blocks.11.0.skip_connection.weight": torch.zeros(1)}, file)
    assert run(["models", f"file:{file}", f"file:{file}@sdxl"]) == 0
    told = capsys.readouterr().out
    assert "file:mine.safetensors: stable-diffusion-v1-5/stable-diffusion-v1-5" in told
    assert "file:mine.safetensors@sdxl: stabilityai/stable-diffusion-xl-base-1.0" in told
    assert told.count(str(file)) == 2
    assert run(["models", f"file:{tmp_path / 'gone.safetensors'}"]) == 2
    assert "is not there" in capsys.readouterr().err
