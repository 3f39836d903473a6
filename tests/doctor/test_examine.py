"""All checks together, also where one of them can't be made."""

from pathlib import Path

import pytest

from imagerag.doctor import hub, weights
from imagerag.doctor.examine import examine
from imagerag.doctor.finding import Finding
from imagerag.doctor.threads import WAIT, left
from imagerag.doctor.weights import check_weights
from imagerag.profiles.resolve import RunSettings
from imagerag.settings import Settings
from testing.hub_server import Repository
from tests.doctor.conftest import OpenHub


def test_an_incomplete_installation_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(settings: RunSettings, offline: bool) -> None:
        raise ModuleNotFoundError("No module named 'huggingface_hub.utils'", name="huggingface_hub.utils")

    monkeypatch.setattr(weights, "check_weights", check)
    found = examine(Settings(profile="pictograms", device="cpu"), offline=True).findings
    (finding,) = (finding for finding in found if finding.area == "weights")
    assert (finding.status, finding.mend) == ("wrong", "pip install huggingface-hub")
    assert "'huggingface_hub' is not installed" in finding.text
    assert "index" in {finding.area for finding in found}, "the other checks are made"


def test_a_module_of_our_own_that_is_gone_is_a_fault_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(settings: RunSettings, offline: bool) -> None:
        raise ModuleNotFoundError("No module named 'imagerag.nothing'", name="imagerag.nothing")

    monkeypatch.setattr(weights, "check_weights", check)
    with pytest.raises(ModuleNotFoundError):
        examine(Settings(profile="pictograms", device="cpu"), offline=True)


def test_a_hub_that_never_answers_is_waited_for_until_the_one_end(
    open_hub: OpenHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waited: list[float] = []

    def check(settings: RunSettings, offline: bool) -> list[Finding]:
        waited.append(left(60))
        return check_weights(settings, offline)

    monkeypatch.setattr(weights, "check_weights", check)
    monkeypatch.setattr(hub, "SECONDS", 0.2)
    with open_hub({"timm/ViT-B-16-SigLIP2": Repository({}, delay=60)}):
        asked = Settings(home=str(tmp_path), profile="pictograms", device="cpu", lookup_model="ViT-B-16-SigLIP2:webli")
        found = {finding.area: finding for finding in examine(asked).findings}
    assert found["hub"].text.endswith("does not answer in time")
    assert waited[0] <= WAIT
