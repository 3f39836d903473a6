"""A model that no preset is of: what its repository says."""

import json

import pytest

from imagerag.doctor import estimate
from imagerag.doctor.estimate import Speed
from imagerag.doctor.examine import examine
from imagerag.doctor.needs import knowing, preset_of
from imagerag.doctor.published_models import published_presets
from imagerag.settings import Settings
from testing.hub_server import Repository
from tests.doctor.conftest import OpenHub, SettingsOf

NAME = "diffusers:somebody/Z-Image-Turbo-tuned"
INDEX = {
    "_class_name": "ZImagePipeline", "scheduler": ["diffusers", "S"], "text_encoder": ["transformers", "T"],
    "transformer": ["diffusers", "Z"], "vae": ["diffusers", "V"], "tokenizer": ["transformers", "K"],
}  # fmt: skip
WEIGHTS = {
    "transformer/diffusion_pytorch_model.safetensors": 12 * 10**9,
    "text_encoder/model.safetensors": 8 * 10**9,
    "vae/diffusion_pytorch_model.safetensors": 160 * 10**6,
}
OTHERS = {
    "transformer/config.json": b"{}", "text_encoder/config.json": b"{}", "vae/config.json": b"{}",
    "scheduler/scheduler_config.json": b"{}", "tokenizer/tokenizer.json": b"{}",
}  # fmt: skip
FILES: dict[str, bytes | int] = {
    "model_index.json": json.dumps(INDEX).encode(), **WEIGHTS, **OTHERS, "README.md": b"-", "all.safetensors": 10**10,
}  # fmt: skip
REPOSITORY = {"somebody/Z-Image-Turbo-tuned": Repository(FILES)}


def test_its_recipe_and_sizes_are_those_of_its_files(settings_of: SettingsOf, open_hub: OpenHub) -> None:
    settings = settings_of(generator=NAME)
    with open_hub(REPOSITORY) as hub:
        (found,) = published_presets(settings, offline=False).values()
        assert published_presets(settings, offline=True) == {}
        assert not any(asked.path.endswith(".safetensors") for asked in hub.asked)
    assert (found.steps, found.guidance) == (8, 0.0)
    assert "its name has 'turbo'" in found.recipe
    assert found.weights == pytest.approx({"transformer": 6.0, "text_encoder": 4.0, "vae": 0.08})
    with knowing({NAME: found}):
        assert preset_of(NAME) == found
    assert published_presets(settings_of(generator="sdxl"), offline=False) == {}
    assert published_presets(settings, offline=False) == {}, "no hub"


def test_the_doctor_names_files_bytes_and_command_memory_and_time(
    open_hub: OpenHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "measured_speed", lambda settings: Speed(1e14, "cuda", 2, 1e12))
    with open_hub(REPOSITORY):
        findings = examine(Settings(generator=NAME, device="cpu")).findings
    told = {finding.area: finding for finding in findings if NAME in finding.text or finding.area in ("time", "memory")}
    assert "9 of 9 files (20.16 GB) of 'somebody/Z-Image-Turbo-tuned' are not on this machine" in told["weights"].text
    assert told["weights"].mend.startswith("hf download somebody/Z-Image-Turbo-tuned --include ")
    assert "all.safetensors" not in told["weights"].mend
    assert "the models' weights are 41.8 GB in that format" in told["memory"].text
    assert "2 drawings of 9.8 s" in told["time"].text
