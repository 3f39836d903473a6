"""About how much a run's models will download."""

from pathlib import Path

import pytest

from imagerag.profiles.downloads import (
    bytes_of_chat_model,
    bytes_of_critic,
    bytes_of_generator,
    bytes_of_lookup,
    bytes_outside_run,
)
from imagerag.profiles.resolve import RunSettings, resolve
from imagerag.settings import Settings
from testing.machines import machine, run_on


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunSettings:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    run_on(monkeypatch, machine("cuda", 48))
    return resolve(Settings(profile="local"))


def test_what_a_ranking_chose_is_known(settings: RunSettings) -> None:
    assert bytes_of_generator(settings) == pytest.approx(15.98e9)
    assert bytes_of_chat_model(settings, settings.vlm) == pytest.approx(17.54e9)
    assert bytes_of_critic(settings, settings.clip_critic) == pytest.approx(1.5e9)
    assert bytes_of_lookup(settings) == bytes_outside_run(Settings(profile="local")) == pytest.approx(1.5e9)


def test_what_is_not_known_is_nothing(settings: RunSettings) -> None:
    assert bytes_of_generator(resolve(Settings(generator="diffusers:somebody/model"))) == 0
    assert bytes_of_generator(resolve(Settings(generator="file:mine.safetensors"))) == 0
    assert bytes_of_generator(resolve(Settings())) == 0
    assert bytes_of_chat_model(settings, "openai:m@http://h/v1") == 0
    assert bytes_of_chat_model(settings, "transformers:my/vlm") == 0
    assert bytes_of_critic(settings, "clip:another") == 0
    assert bytes_of_lookup(resolve(Settings())) == bytes_outside_run(Settings()) == 0
    assert bytes_outside_run(Settings(profile="local", lookup_model="ViT-B-32:openai")) == 0
