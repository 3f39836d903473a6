"""Weights that are published quantised."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.errors import UserError
from imagerag.generators.diffusion import quantisation
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.memory import choose_mode, place
from imagerag.generators.diffusion.presets import load_presets
from imagerag.generators.diffusion.recipes import Published
from imagerag.generators.diffusion.stored_quantised import Stored, as_stored, held_as, least, stored_quantised
from testing.diffusion_requests import preset
from testing.tiny_models import save_sd15

NF4 = {"load_in_4bit": True, "load_in_8bit": False, "bnb_4bit_quant_type": "nf4", "quant_method": "bitsandbytes"}
GPU = torch.device("cuda")


def published(**parts: Mapping[str, Any]) -> Published:
    index = {"_class_name": "Flux2Pipeline", "transformer": [], "text_encoder": [], "vae": []}
    return Published("a/b", index, lambda part: parts.get(part, {}))


@pytest.mark.parametrize(
    ("settings", "stored"),
    [
        (NF4, Stored("bitsandbytes", 0.5625 / 2)),
        ({"load_in_8bit": True, "load_in_4bit": False, "quant_method": "bitsandbytes"}, Stored("bitsandbytes", 0.5)),
        ({"quant_method": "torchao", "quant_type": "int8wo"}, Stored("torchao", 0.5)),
        ({"quant_method": "torchao", "quant_type": {"default": "Int4WeightOnlyConfig"}}, Stored("torchao", 0.5625 / 2)),
        ({"quant_method": "quanto", "weights_dtype": "float8"}, Stored("quanto", 0.5)),
    ],
)
def test_what_a_configuration_says_of_it(settings: dict[str, Any], stored: Stored) -> None:
    found = stored_quantised(published(transformer={"quantization_config": settings}, text_encoder={"hidden_size": 1}))
    assert found == {"transformer": stored}


def test_text_encoders_are_looked_at_where_the_denoiser_is_quantised() -> None:
    both = {"quantization_config": NF4}
    assert set(stored_quantised(published(transformer=both, text_encoder=both))) == {"transformer", "text_encoder"}
    assert stored_quantised(published(text_encoder=both)) == {}


def test_flux_2_in_4_bits_goes_one_model_at_a_time_into_24_gigabytes() -> None:
    """In 16 bits it has 113 GB, so that it would be quantised anew, or go layer by layer, which these can't."""
    both = {"quantization_config": NF4}
    stored = stored_quantised(published(transformer=both, text_encoder=both))
    sizes = as_stored({name: 2e9 * size for name, size in load_presets()["flux2"].weights.items()}, stored)
    assert least(choose_mode(DeviceSettings(), GPU, sizes, 24 * 10**9, not stored), stored) == "offload"
    assert least(choose_mode(DeviceSettings(), GPU, sizes, 48 * 10**9, not stored), stored) == "full"
    assert least(choose_mode(DeviceSettings(), GPU, sizes, 8 * 10**9, not stored), stored) == "offload"


class TestSettings:
    stored = {"transformer": Stored("bitsandbytes", 0.28)}  # noqa: RUF012 - it is not changed

    def held(self, memory: Memory, device: torch.device = GPU) -> tuple[DeviceSettings, tuple[str, ...]]:
        return held_as("a/b", DeviceSettings(memory=memory), device, self.stored)

    def test_they_are_not_quantised_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quantisation, "find_spec", lambda name: object())
        settings, notes = self.held("4bit")
        assert settings.memory == "offload"
        assert notes == (
            "the weights of 'a/b' are quantised (bitsandbytes) already; they are held as with --memory offload",
        )
        assert self.held("auto") == (DeviceSettings(), ())

    def test_layer_by_layer_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quantisation, "find_spec", lambda name: object())
        with pytest.raises(UserError, match="can't go through the device layer by layer; give --memory offload"):
            self.held("sequential")
        pipeline: Any = SimpleNamespace(components={"transformer": SimpleNamespace(is_loaded_in_4bit=True)})
        with pytest.raises(UserError, match="can't go through the device layer by layer; close what else"):
            place(pipeline, GPU, "sequential")

    def test_the_library_and_the_gpu_are_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quantisation, "find_spec", lambda name: None)
        with pytest.raises(UserError, match=r"'a/b' needs 'bitsandbytes'.*pip install 'imagerag\[diffusion\]'"):
            self.held("auto")
        with pytest.raises(UserError, match=r"are quantised .bitsandbytes., which needs a GPU, and there is none here"):
            self.held("auto", torch.device("cpu"))


@pytest.mark.slow
def test_a_folder_of_such_weights_says_so_before_anything_is_loaded(tmp_path: Path) -> None:
    folder = save_sd15(tmp_path / "sd15")
    file = folder / "unet" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "quantization_config": NF4}), encoding="utf-8")
    with pytest.raises(UserError, match=r"are quantised .bitsandbytes., which needs a GPU"):
        DiffusionGenerator(preset(tmp_path, "sd15", family="text", adapter=None, max_references=0))
