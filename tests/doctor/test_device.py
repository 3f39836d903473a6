"""Devices and whether models fit into their memory."""

import pytest
import torch

import imagerag.devices
from imagerag.doctor.device import _of_memory, check_device
from imagerag.profiles.resolve import RunSettings
from testing.machines import machine, run_on
from tests.doctor.conftest import SettingsOf


def test_the_embedded_parts_need_no_memory_to_speak_of(settings_of: SettingsOf) -> None:
    (finding,) = check_device(settings_of(device="cpu"))
    assert (finding.area, finding.status) == ("device", "ok")
    assert "computes in float32" in finding.text


def test_a_device_that_is_not_there(settings_of: SettingsOf) -> None:
    (finding,) = check_device(settings_of(device="cuda:7"))
    assert (finding.status, finding.mend) == ("wrong", "give --device auto")


@pytest.mark.parametrize(("free", "status"), [(100e9, "ok"), (10e9, "warning")])
def test_whether_a_preset_fits(
    settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch, free: float, status: str
) -> None:
    monkeypatch.setattr(imagerag.devices, "free_for_models", lambda device: int(free))
    found = {finding.area: finding for finding in check_device(settings_of(device="cpu", generator="sdxl"))}
    assert found["memory"].status == status
    assert "18.0 GB" in found["memory"].text, "4.51 billion parameters in single precision"
    assert found["device"].mend == "imagerag profiles", "without a GPU it is slow"


@pytest.mark.parametrize(
    ("changes", "slow"),
    [
        ({"generator": "openai:gpt-image-2"}, ""),
        ({"generator": "comfyui:http://127.0.0.1:8188"}, ""),
        ({"generator": "openai:gpt-image-2", "critic": "transformers:some/vlm"}, "an answer of a chat model takes"),
        ({"generator": "sdxl"}, "an image takes"),
    ],
)
def test_only_models_that_run_here_are_slow_without_a_gpu(
    settings_of: SettingsOf, changes: dict[str, str], slow: str
) -> None:
    siglip = {"profile": "cloud", "lookup_model": "ViT-B-16-SigLIP2:webli"}
    found = check_device(settings_of(device="cpu", **siglip, **changes))
    assert "memory" in [finding.area for finding in found], "the CLIP model's weights count"
    told = " ".join(finding.text for finding in found if "without a GPU" in finding.text)
    assert slow in told
    assert bool(told) == bool(slow)


QWEN = "transformers:Qwen/Qwen3-VL-8B-Instruct"


@pytest.mark.parametrize(
    ("gigabytes", "changes", "status", "says"),
    [
        (48, {}, "ok", "the models' weights are"),
        (24, {}, "ok", "held as by --memory 4bit: 11.7 GB of the device's with all models"),
        (24, {"memory": "full"}, "warning", "flux2-klein with Qwen3-VL-8B-Instruct beside it needs 36.3 GB"),
        (28, {"memory": "full", "vlm_memory": "4bit"}, "ok", "the models' weights are"),
        (8, {"memory": "sequential"}, "ok", "the models' weights are"),
    ],
)
def test_generator_vlm_and_clip_have_to_fit_beside_each_other(
    settings_of: SettingsOf,
    monkeypatch: pytest.MonkeyPatch,
    gigabytes: float,
    changes: dict[str, str],
    status: str,
    says: str,
) -> None:
    run_on(monkeypatch, machine("cuda", gigabytes, True))
    settings: RunSettings = settings_of(profile="local", generator="flux2-klein", vlm=QWEN, **changes)
    found = _of_memory(settings, torch.device("cuda"), {"all": 34.3e9}, int(gigabytes * 1e9))
    assert found.status == status, found
    assert says in found.text
    assert ("--vlm-memory 4bit" in found.mend) == (status == "warning")
