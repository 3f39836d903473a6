"""Which settings are checked, also where a run would be refused."""

import pytest

from imagerag.doctor.plan import plan
from imagerag.settings import Settings
from testing.machines import machine, run_on


def test_a_run_that_is_possible() -> None:
    settings, (finding,) = plan(Settings(profile="pictograms"))
    assert settings is not None
    assert settings.generator == "patchwork"
    assert finding.status == "ok"
    assert "patchwork, driven by rules, judged by clip, looks up in bundled, own with embedded" in finding.text


def test_a_profile_without_keys_is_checked_by_its_first_choice() -> None:
    settings, (finding,) = plan(Settings(profile="cloud"))
    assert settings is not None
    assert (settings.generator, settings.vlm, settings.critic) == (
        "openai:gpt-image-2",
        "openai:gpt-5.4-mini",
        "openai:gpt-5.4-mini",
    )
    assert finding.status == "wrong"
    assert "OPENAI_API_KEY not set" in finding.text
    assert finding.mend == "set a key, name the parts with --generator and --vlm"


def test_parts_that_do_not_go_together() -> None:
    settings, (finding,) = plan(Settings(profile="pictograms", generator="sdxl"))
    assert settings is not None
    assert settings.generator == "sdxl"
    assert finding.status == "wrong"
    assert "--profile local" in finding.mend


def test_no_such_profile() -> None:
    settings, (finding,) = plan(Settings(profile="lokal"))
    assert settings is None
    assert finding.mend.startswith("give --profile one of: pictograms, local")


def test_better_parts_that_lack_a_gpu_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(monkeypatch, machine("cpu", 16))
    settings, findings = plan(Settings(profile="local"))
    assert settings is not None
    assert settings.generator == "sd15"
    (finding,) = findings[1:]
    assert finding.status == "warning"
    assert finding.text.startswith(
        "better parts are not used here: flux2-klein needs 35.5 GB, 16 GB free on cpu; no GPU"
    )
    assert finding.mend == "use a machine with a GPU, or a provider's models: --profile cloud"


def test_every_warning_has_a_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "k")
    _, findings = plan(Settings(profile="cloud", critic="vlm"))
    told = {finding.text.partition(":")[0]: finding.mend for finding in findings[1:]}
    assert told["better parts are not used here"].endswith(" OPENAI_API_KEY=YOUR_KEY")
    assert told["profile 'cloud' has no key of a VLM, so rules decide and 'clip"].endswith(" OPENAI_API_KEY=YOUR_KEY")
    assert len(told) == 3
    assert all(told.values())


def test_parts_that_are_refused_are_checked_by_the_choice_that_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(monkeypatch, machine("cpu", 16))
    settings, (finding,) = plan(Settings(profile="local", lookup_model="embedded"))
    assert finding.status == "wrong"
    assert finding.text.startswith("lookup_model 'embedded'")
    assert settings is not None
    assert (settings.generator, settings.vlm) == ("sd15", "rules")
