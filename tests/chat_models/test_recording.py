"""Recordings of what chat models are asked and answer: complete, without keys, never overwritten."""

from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage

from imagerag.chat_models.recording import Recorder, Request, answered
from imagerag.errors import UserError
from imagerag.net.server_keys import SERVER_KEY
from imagerag.settings import Settings, load_settings, without_server_paths
from testing.chat_replies import DRAW
from testing.openai_server import Reply, serving
from testing.served_runs import run_recorded

pytestmark = pytest.mark.usefixtures("fresh_recordings")


def test_no_key_lands_in_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVER_KEY, "key-of-the-server")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-elsewhere")
    echo = "bad key key-of-the-server or pass-in-url or query-in-url or sk-elsewhere"
    file = tmp_path / "run.jsonl"
    script = [DRAW, Reply(echo, status=401)]
    with serving(script) as server:
        url = server.url.replace("http://", "http://user-in-url:pass-in-url@") + "?key=query-in-url"
        run_recorded(tmp_path, vlm=f"openai:scripted@{url}", record=str(file))
        assert server.headers
    text = file.read_text()
    assert "bad key [hidden] or [key] or [key] or [hidden]" in text
    for secret in ("key-of-the-server", "sk-elsewhere", "user-in-url", "pass-in-url", "query-in-url", "Bearer"):
        assert secret not in text


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text("mine")
    with serving([DRAW]) as server, pytest.raises(UserError, match="has something in it already"):
        run_recorded(tmp_path, vlm=server.name, record=str(file))
    assert file.read_text() == "mine"
    with serving([DRAW]) as server, pytest.raises(UserError, match="can't be written"):
        run_recorded(tmp_path, vlm=server.name, record=str(tmp_path / "nowhere" / "run.jsonl"))
    assert server.requests == []


def test_a_client_can_name_no_recording_of_the_server(tmp_path: Path) -> None:
    own = load_settings(environ={"IMAGERAG_RECORD": "own.jsonl"})
    assert own.record == "own.jsonl"
    assert without_server_paths(Settings(), {"IMAGERAG_RECORD": "own.jsonl"}).record == "own.jsonl"
    with pytest.raises(UserError, match="on the server, which clients can't choose"):
        without_server_paths(Settings(record="x"), {})
    for settings in (
        Settings(vlm="replay:/etc/passwd"),
        Settings(critic="openai:m@http://10.0.0.1/v1"),
        Settings(generator="comfyui:/etc/passwd@http://10.0.0.1"),
        Settings(generator="flux2"),
    ):
        with pytest.raises(UserError, match="chosen by whoever runs this server, not by its clients"):
            without_server_paths(settings, {})
    assert without_server_paths(replace(Settings(), vlm="replay:x"), {"IMAGERAG_VLM": "replay:x"}).vlm == "replay:x"


def test_a_key_as_a_name_is_left_out_and_addresses_in_what_is_said_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-very-secret")
    recorder = Recorder(str(tmp_path / "run.jsonl"))
    said = "like https://example.com/owl.png?id=77"
    outcome = {"answer": {"text": said, "calls": [{"args": {"sk-very-secret": 1}}]}}
    recorder.enter(
        1.0, "driver", "openai:m@http://u:p-word@h/v1?k=12345678", Request([{"content": said}], "x"), outcome
    )
    recorder.enter(
        1.0, "driver", "m", Request([], "x"), {"failure": {"why": "404 for http://h/v1?key=abc", "lasting": 1}}
    )
    text = (tmp_path / "run.jsonl").read_text()
    assert "secret" not in text
    assert text.count(said) == 2
    for hidden in ("p-word", "12345678", "key=abc"):
        assert hidden not in text


def test_log_probabilities_of_which_scores_are_made_are_kept() -> None:
    logprobs = {"content": [{"token": "true", "logprob": -0.1, "top_logprobs": []}]}
    message = AIMessage("{}", response_metadata={"logprobs": logprobs, "model_name": "m", "id": "1"})
    assert answered(message)["answer"]["response_metadata"] == {"logprobs": logprobs}
    of_google = {"chosen_candidates": [{"token": "true", "log_probability": -0.1}]}
    message = AIMessage("{}", response_metadata={"logprobs_result": of_google})
    assert answered(message)["answer"]["response_metadata"] == {"logprobs_result": of_google}
    assert "response_metadata" not in answered(AIMessage("{}", response_metadata={"model_name": "m"}))["answer"]
