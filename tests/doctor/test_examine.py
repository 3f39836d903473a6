"""All checks together, also where one of them can't be made."""

import pytest

from imagerag.doctor import weights
from imagerag.doctor.examine import examine
from imagerag.profiles.resolve import RunSettings
from imagerag.settings import Settings


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
