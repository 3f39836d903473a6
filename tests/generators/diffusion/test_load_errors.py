"""What a model's missing weights are told with: the command that gets the files that are loaded, and no others."""

from imagerag.generators.diffusion.load_errors import not_loaded
from imagerag.generators.diffusion.presets import load_presets


def test_the_command_gets_only_what_is_loaded() -> None:
    preset = load_presets()["sdxl"]
    told = str(not_loaded(preset.model, preset, OSError("can't connect")))
    assert f"hf download {preset.model} --include model_index.json" in told
    assert "fp16.safetensors" in told
    assert preset.adapter is not None
    encoder = str(not_loaded(f"{preset.adapter.encoder} (image encoder)", preset, OSError("can't connect")))
    assert f"--include {preset.adapter.encoder_subfolder}/config.json" in encoder


def test_of_an_unknown_model_all_is_got() -> None:
    assert str(not_loaded("nobody/nothing", None, OSError("no"))).endswith("hf download nobody/nothing")
