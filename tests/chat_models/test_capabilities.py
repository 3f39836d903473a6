"""Which chat models take images."""

import pytest

from imagerag.chat_models.capabilities import takes_images
from imagerag.chat_models.providers import connect
from testing.scripted import ScriptedModel


def test_what_tells_that_a_model_takes_no_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    assert takes_images(connect("openai:gpt-5"))
    assert not takes_images(connect("openai:gpt-3.5-turbo")), "by LangChain's profile"
    assert takes_images(connect("openai:anything@http://127.0.0.1:1/v1")), "unless told otherwise"

    class Blind(ScriptedModel):
        takes_images: bool = False

    assert not takes_images(Blind(script=[], seen=[], offered=[]))
