"""Expected seconds and cost of one run."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from imagerag.doctor import estimate
from imagerag.doctor.estimate import Speed, check_estimate, measured_speed
from imagerag.doctor.finding import Finding
from tests.doctor.conftest import SettingsOf


def found(settings_of: SettingsOf, answered: float | None = None, **changes: object) -> dict[str, Finding]:
    return {finding.area: finding for finding in check_estimate(settings_of(**changes), answered)}


def test_the_embedded_parts_cost_nothing(settings_of: SettingsOf) -> None:
    about = found(settings_of)
    assert "about 2.4 s" in about["time"].text
    assert about["cost"].text == "none: all models run here"


def test_seconds_of_a_local_model_follow_the_measured_speed(
    settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "measured_speed", lambda settings: Speed(1e14, "cuda", 2, 1e12))
    about = found(settings_of, generator="sdxl")["time"]
    assert about.status == "ok"
    assert "2 drawings of 32 s" in about.text
    quick = found(
        settings_of, generator="sdxl", lora=("ByteDance/SDXL-Lightning/sdxl_lightning_4step_lora.safetensors",)
    )
    assert "2 drawings of 2.1 s" in quick["time"].text, "four steps of one pass, not thirty of two"
    assert "100.00 TFLOP/s" in about.text
    slow = found(settings_of, generator="sdxl", max_seconds=10.0)["time"]
    assert (slow.status, slow.mend) == ("warning", "--max-seconds 126, or other parts: imagerag profiles")


def test_the_speed_is_measured(settings_of: SettingsOf) -> None:
    speed = measured_speed(settings_of(device="cpu"))
    assert speed.device == "cpu"
    assert 1e8 < speed.flops < 1e14
    assert 1e8 < speed.bandwidth < 1e13


def test_the_cost_of_a_provider(settings_of: SettingsOf) -> None:
    cloud = {"generator": "openai:gpt-image-2", "vlm": "openai:gpt-5.4-mini", "critic": "openai:gpt-5.4-mini"}
    about = found(settings_of, 2.0, **cloud)
    assert "8 answers of 2.0 s (measured now)" in about["time"].text
    assert about["cost"].status == "ok"
    assert "2 images of the best quality $0.42" in about["cost"].text
    assert found(settings_of, max_money=0.01, **cloud)["cost"].status == "warning"
    assert "about $" in found(settings_of, n=4, **cloud)["cost"].text


def test_the_cost_of_images_that_are_paid_for_each(settings_of: SettingsOf) -> None:
    about = found(settings_of, generator="bfl:flux-2-pro")["cost"]
    assert "2 images $0.0900" in about.text, "with a reference each"
    unknown = found(settings_of, generator="together:some/model")["cost"]
    assert unknown.mend.endswith('"together:some/model" = { image = 0.0 }')


def test_an_unknown_price(settings_of: SettingsOf) -> None:
    about = found(settings_of, vlm="openai:m@http://127.0.0.1:9/v1")["cost"]
    assert about.status == "warning"
    assert "IMAGERAG_PRICES" in about.mend


def test_a_comfyui_server_is_known_by_its_last_runs(settings_of: SettingsOf) -> None:
    settings = settings_of(generator="comfyui:http://127.0.0.1:9")
    time, cost = check_estimate(settings, None, [4.0, 6.0, 20.0])
    assert "about 12 s with the models loaded (2 drawings of 6.0 s (half of the server's last 3 runs took" in time.text
    assert cost.text == "none: a ComfyUI server charges nothing by itself"
    time, _ = check_estimate(settings, None)
    assert "the ComfyUI server tells of no run before" in time.text
    assert "unknown" not in time.text


def test_a_generator_that_nothing_is_known_of_says_why(settings_of: SettingsOf) -> None:
    about = found(settings_of, generator="diffusers:somebody/model")
    assert (
        "nothing of 'somebody/model' is here and the hub wasn't reached, so its size isn't known" in about["time"].text
    )
    assert about["cost"].text == "none: all models run here"


def test_a_file_is_as_its_family(settings_of: SettingsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "measured_speed", lambda settings: Speed(1e14, "cuda", 2, 1e12))
    xl = "conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias"
    save_file({xl: torch.zeros(1)}, tmp_path / "mine.safetensors")
    of_file = found(settings_of, generator=f"file:{tmp_path / 'mine.safetensors'}")["time"].text
    assert of_file == found(settings_of, generator="sdxl")["time"].text


def test_what_lies_here_of_a_repository_is_enough(
    settings_of: SettingsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "measured_speed", lambda settings: Speed(1e9, "cpu", 4, 1e9))
    (tmp_path / "model_index.json").write_text(
        '{"_class_name": "ZImagePipeline", "transformer": ["diffusers", "X"], "vae": ["diffusers", "Y"]}'
    )
    (tmp_path / "transformer").mkdir()
    save_file({"a": torch.zeros(100, 100)}, tmp_path / "transformer" / "diffusion_pytorch_model.safetensors")
    text = found(settings_of, generator=f"diffusers:{tmp_path}")["time"].text
    assert "2 drawings of" in text
    assert "assumed" not in text.partition("drawings")[2].partition(";")[0]


def test_a_local_chat_model_of_unknown_size_is_told(settings_of: SettingsOf) -> None:
    text = found(settings_of, vlm="transformers:somebody/vlm")["time"].text
    assert "2.4 s for the rest (2 drawings of 1.2 s)" in text
    assert "none of 6 answers of 'transformers:somebody/vlm' can be had: how large it is isn't known yet" in text


def test_a_local_chat_model_is_as_large_as_its_files_say(
    settings_of: SettingsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "measured_speed", lambda settings: Speed(1e9, "cpu", 4, 4e6))
    for number in (1, 2):
        save_file({"a": torch.zeros(100, 50)}, tmp_path / f"model-{number:05d}-of-00002.safetensors")
    save_file({"b": torch.zeros(9, 9)}, tmp_path / "consolidated.safetensors")
    name = f"transformers:{tmp_path}"
    text = found(settings_of, vlm=name, critic=name)["time"].text
    # 4,000 tokens are read at 2 operations a parameter, and for each of 400 all parameters are read from memory.
    assert f"8 answers of {2 * 1e4 * 4000 / 4e8 + 400 * 1e4 * 4 / 4e6:.1f} s" in text


def test_each_chat_model_of_a_run_counts_by_what_it_is_asked(settings_of: SettingsOf) -> None:
    server = "openai:m@http://127.0.0.1:9/v1"
    judged = found(settings_of, 2.0, vlm="transformers:somebody/vlm", critic=server)["time"].text
    assert "2 answers of 2.0 s (measured now)" in judged
    assert "none of 6 answers of 'transformers:somebody/vlm'" in judged
    assert "2 answers of 2.0 s" in found(settings_of, 2.0, critic=server)["time"].text, "rules ask nobody"
    assert "6 answers of 2.0 s" in found(settings_of, 2.0, vlm=server)["time"].text, "CLIP judges"
