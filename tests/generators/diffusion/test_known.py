"""What can be told of a generator of diffusers without loading or fetching anything."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from imagerag.generators.diffusion.known import is_recognised, known_preset, parameters_of
from imagerag.generators.diffusion.preset_files import is_here, parts_of
from imagerag.generators.diffusion.presets import load_presets

INDEX = {
    "_class_name": "ZImagePipeline", "transformer": ["diffusers", "Z"], "vae": ["diffusers", "V"],
    "text_encoder": [None, None],
}  # fmt: skip


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put(folder: Path) -> Path:
    """Write a pipeline of 10,000 and 100 parameters."""
    for part, side in (("transformer", 100), ("vae", 10)):
        (folder / part).mkdir(parents=True)
        (folder / part / "config.json").write_text("{}")
        save_file({"w": torch.zeros(side, side)}, folder / part / "diffusion_pytorch_model.safetensors")
    (folder / "model_index.json").write_text(json.dumps(INDEX))
    return folder


def in_cache(cache: Path, repository: str) -> Path:
    place = cache / f"models--{repository.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("c0ffee")
    return put(place / "snapshots" / "c0ffee")


def test_names_of_presets_and_their_models(cache: Path) -> None:
    presets = load_presets({})
    assert known_preset("sdxl") == known_preset("diffusers:sdxl") == presets["sdxl"]
    assert known_preset(f"diffusers:{presets['flux2-klein'].model}") == presets["flux2-klein"]
    assert [known_preset(name) for name in ("patchwork", "openai:x", "comfyui:http://h", "nobody")] == [None] * 4


def test_a_folder_and_a_repository_in_the_cache(cache: Path, tmp_path: Path) -> None:
    in_cache(cache, "somebody/z-image-turbo")
    for name in (str(put(tmp_path / "z-image-turbo")), "somebody/z-image-turbo"):
        found = known_preset(f"diffusers:{name}")
        assert found is not None
        assert is_recognised(found)
        assert (found.model, found.steps) == (name, 8)
        assert found.weights == pytest.approx({"transformer": 1e-5, "vae": 1e-7})


def test_a_repository_that_nothing_lies_here_of(cache: Path) -> None:
    found = known_preset("diffusers:somebody/model")
    assert found is not None
    assert not is_recognised(found)
    assert (found.model, found.weights) == ("somebody/model", {})


def test_a_file_that_is_none_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"x")
    assert known_preset(f"file:{tmp_path / 'a.safetensors'}") is None
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"x")
    assert parameters_of(tmp_path, INDEX) == {"vae": 0.0}


def test_whether_all_of_a_preset_is_here(cache: Path) -> None:
    preset = load_presets({})["z-image"].model_copy(update={"model": "somebody/z-image"})
    assert not is_here(preset)
    folder = in_cache(cache, "somebody/z-image")
    assert is_here(preset)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    assert not is_here(preset)
    (part,) = parts_of(preset)
    assert (part.where, part.bytes_each) == ("somebody/z-image", 2)
