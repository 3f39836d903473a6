"""Expected seconds and cost of one run."""

import pytest

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
    unknown = found(settings_of, generator="together:black-forest-labs/FLUX.2-pro")["cost"]
    assert unknown.mend.endswith('"together:black-forest-labs/FLUX.2-pro" = { image = 0.0 }')


def test_an_unknown_price(settings_of: SettingsOf) -> None:
    about = found(settings_of, vlm="openai:m@http://127.0.0.1:9/v1")["cost"]
    assert about.status == "warning"
    assert "IMAGERAG_PRICES" in about.mend
