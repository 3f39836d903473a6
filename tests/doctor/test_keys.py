"""Keys: which are needed, whether they are set, and that none is printed."""

import pytest

from imagerag.doctor.examine import examine
from imagerag.doctor.keys import check_keys, models_of_providers, without_keys
from imagerag.remote_models import providers
from imagerag.settings import Settings
from tests.doctor.conftest import SettingsOf

SECRET = "sk-a-secret-of-many-letters"


def test_a_key_that_is_needed_by_several(settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(vlm="openai:gpt-6.1-sol", critic="openai:gpt-6.1-sol", generator="openai:gpt-image-2")
    (finding,) = check_keys(settings)
    assert finding.status == "wrong"
    assert "needed by vlm and critic 'openai:gpt-6.1-sol', generator 'openai:gpt-image-2'" in finding.text
    assert "OPENAI_API_KEY=" in finding.mend
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    (finding,) = check_keys(settings)
    assert finding.line == "ok       keys: OPENAI_API_KEY is set"


def test_a_second_variable_does(settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(vlm="google_genai:gemini-3.8-flash")
    assert check_keys(settings)[0].status == "wrong"
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    assert check_keys(settings)[0].status == "ok"


@pytest.mark.parametrize("prefix", providers())
def test_the_key_of_an_images_api(prefix: str, settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(generator=f"{prefix}:m")
    (finding,) = check_keys(settings)
    variables = providers()[prefix].keys
    assert (finding.status, f"{variables[0]}=" in finding.mend) == ("wrong", True)
    monkeypatch.setenv(variables[-1], SECRET)
    assert check_keys(settings)[0].status == "ok"
    assert SECRET not in without_keys(f"401: incorrect key {SECRET}")


@pytest.mark.parametrize("name", ["rules", "transformers:owner/model", "openai:m@http://127.0.0.1:1/v1", "ollama:q"])
def test_models_that_need_none(settings_of: SettingsOf, name: str) -> None:
    assert check_keys(settings_of(vlm=name, critic="clip:embedded")) == []


def test_which_models_are_a_providers(settings_of: SettingsOf) -> None:
    assert models_of_providers(settings_of(vlm="openai:a", critic="ollama:b")) == {
        "openai:a": ["vlm"],
        "ollama:b": ["critic"],
    }
    assert models_of_providers(settings_of(vlm="transformers:a", critic="clip:b")) == {}


def test_no_key_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert without_keys(f"401: incorrect key {SECRET}") == "401: incorrect key ***"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    found = examine(Settings(profile="cloud"), offline=True)
    assert SECRET not in str(found.document)


def test_credentials_in_addresses_are_not_told() -> None:
    assert without_keys("openai:m@http://u:p@host/v1?k=KEY is gone") == "openai:m@http://host/v1?k=[hidden] is gone"
