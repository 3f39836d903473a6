"""Gemini's log-probabilities, by LangChain's integration over real HTTP."""

import json
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models.providers import connect
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from testing.openai_server import Reply, serving
from testing.provider_servers import GeminiServer
from testing.scripted import ScriptedCritic
from testing.verdict_replies import presence, seen, weighed

pytest.importorskip("langchain_google_genai")


def test_an_answer_tells_its_own_and_no_other_s(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = presence(seen("owl", True))
    with serving([weighed(entry, 0.9), Reply("hello"), weighed(entry, 0.6)], GeminiServer) as server:
        monkeypatch.setenv(GeminiServer.address, f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("GOOGLE_API_KEY", "AIza-test")
        model = connect(GeminiServer.name)
        critic = VlmCritic(GeminiServer.name, model, lambda: ScriptedCritic([0.1]))
        first = critic.judge([Image.new("RGB", (40, 20))], "an owl")[0]
        plain = model.invoke("hello")
        third = critic.judge([Image.new("RGB", (40, 20))], "another owl")[0]
    assert [first["score"], third["score"]] == pytest.approx([0.9, 0.6], abs=1e-3)
    assert (plain.text, "logprobs_result" in plain.response_metadata) == ("hello", False)


def test_a_model_that_has_no_log_probabilities_is_asked_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if request["generationConfig"].get("responseLogprobs"):
            return Reply("Logprobs is not enabled for models/gemini-2.5-flash", status=400)
        return Reply(json.dumps(presence(seen("owl", True))))

    with serving(script, GeminiServer) as server:
        monkeypatch.setenv(GeminiServer.address, f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("GOOGLE_API_KEY", "AIza-test")
        critic = VlmCritic(GeminiServer.name, connect(GeminiServer.name), lambda: ScriptedCritic([0.1]))
        with using_meter(UsageMeter()) as meter:
            verdicts = critic.judge([Image.new("RGB", (40, 20))] * 2, "an owl")
        assert len(server.requests) == 3, "found out once a run"
    assert [(verdict["critic"], verdict["way"]) for verdict in verdicts] == [(GeminiServer.name, "answers")] * 2
    assert meter.notes == []
