"""The registry of critics, writers and chat models."""

import pytest

from imagerag.agent.registry import load_critic, load_writer
from imagerag.errors import UserError
from imagerag.settings import Settings


def test_a_critic_that_takes_no_images_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    with pytest.raises(
        UserError, match=r"'openai:gpt-3.5-turbo' takes no images.*leave --critic out, then CLIP judges"
    ):
        load_critic("openai:gpt-3.5-turbo")
    with pytest.raises(UserError, match=r"takes no images \(--vlm-text-only\).*leave --critic out"):
        Settings(vlm="openai:x@http://127.0.0.1:1/v1", critic="openai:x@http://127.0.0.1:1/v1", vlm_text_only=True)


def test_a_writer_words_captions_for_the_kind_of_pictures_it_is_loaded_for() -> None:
    assert load_writer().captions("an owl", ["owl"], 1) == {"owl": ["owl"]}
    assert load_writer(kind="photographs").captions("an owl", ["owl"], 1) == {"owl": ["a photo of an owl"]}
