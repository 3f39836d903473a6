"""The registry of critics, writers and chat models."""

from pathlib import Path

import pytest
from PIL import Image

from imagerag.agent.registry import check_names, load_critic, load_writer
from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.settings import Settings
from testing.tiny_clip import save_checkpoint


def test_a_critic_that_takes_no_images_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    with pytest.raises(
        UserError, match=r"'openai:gpt-3.5-turbo' takes no images.*leave --critic out, then CLIP judges"
    ):
        load_critic("openai:gpt-3.5-turbo")
    with pytest.raises(UserError, match=r"takes no images \(--vlm-text-only\).*leave --critic out"):
        Settings(vlm="openai:x@http://127.0.0.1:1/v1", critic="openai:x@http://127.0.0.1:1/v1", vlm_text_only=True)


def test_the_check_of_names_loads_no_model_that_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(name: str, settings: DeviceSettings) -> None:
        raise AssertionError(f"{name} is loaded, and may have to be downloaded, before the run tells how far that is")

    monkeypatch.setattr("imagerag.chat_models.local.loading.load_local", loaded)
    check_names("transformers:somebody/vlm", "transformers:somebody/other", DeviceSettings())
    for vlm, critic in (("transformers:/no/such/folder", "clip"), ("rules", "transformers:/no/such/folder")):
        with pytest.raises(UserError, match="'transformers:/no/such/folder' is neither a folder here nor a name"):
            check_names(vlm, critic, DeviceSettings())


def test_a_writer_words_captions_for_the_kind_of_pictures_it_is_loaded_for() -> None:
    assert load_writer().captions("an owl", ["owl"], 1) == {"owl": ["owl"]}
    assert load_writer(kind="photographs").captions("an owl", ["owl"], 1) == {"owl": ["a photo of an owl"]}


@pytest.mark.slow
def test_any_clip_model_is_a_critic_and_uncalibrated_until_it_has_seen_captions(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "tiny", 1)
    critic = load_critic(f"clip:{folder}")
    assert critic.name == f"clip:{folder}"
    verdict = critic.judge([Image.new("RGB", (64, 48), "teal")], "a red owl on the moon")[0]
    assert verdict["uncalibrated"]
    assert [score["concept"] for score in verdict["concepts"]] == ["owl", "moon", "red owl"]
    assert all(0 <= score["score"] <= 1 for score in verdict["concepts"])
    assert all(score["present"] == (score["score"] >= 0.95) for score in verdict["concepts"])
    assert {score.get("uncalibrated") for score in verdict["concepts"]} == {"false_positive_rate"}


@pytest.mark.parametrize("name", ["clip:", "clip:nonsense"])
def test_a_clip_model_that_is_none_is_one_line(name: str) -> None:
    with pytest.raises(UserError, match=r"CLIP model .* is not understood"):
        load_critic(name)
