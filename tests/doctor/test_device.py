"""Devices and whether models fit into their memory."""

import pytest

import imagerag.devices
from imagerag.doctor.device import check_device
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
