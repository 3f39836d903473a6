"""Questions to chat models: who answers, calls tools and sees."""

from typing import Any

import pytest

from imagerag.doctor import vlm
from imagerag.doctor.vlm import check_chat_models
from testing.openai_server import Reply, serving
from testing.provider_servers import pictures_in
from tests.doctor.conftest import SettingsOf

pytest.importorskip("langchain_openai", reason="pip install 'imagerag[vlm]'")


def script(tool: bool = True, colour: str = "Red.", refuses: bool = False, **plain: Any) -> Any:
    """Return a server's script: what it does when offered a tool, what it sees, and how it answers else."""

    def answer(request: dict[str, Any], number: int) -> Reply:
        if request.get("tools"):
            return Reply(calls=[("report", {"word": "owl"})]) if tool else Reply("owl")
        if pictures_in(request):
            return Reply("images are not supported", status=400) if refuses else Reply(colour)
        return Reply(**{"text": "ready", **plain})

    return answer


def lines(settings_of: SettingsOf, name: str, **changes: Any) -> list[tuple[str, str]]:
    return [(f.status, f.text) for f in check_chat_models(settings_of(vlm=name, **changes)).findings]


def test_a_model_that_does_it_all(settings_of: SettingsOf) -> None:
    with serving(script()) as server:
        answers = check_chat_models(settings_of(vlm=server.name, critic=server.name))
        assert len(server.requests) == 3, answers
        assert any(pictures_in(request) == [(64, 64)] for request in server.requests)
        assert all("max_tokens" in request or "max_completion_tokens" in request for request in server.requests)
    assert [finding.status for finding in answers.findings] == ["ok", "ok", "ok"]
    assert answers.seconds is not None


def test_a_model_without_tools_or_eyes(settings_of: SettingsOf) -> None:
    with serving(script(tool=False, colour="Blue.")) as server:
        told = lines(settings_of, server.name)
    assert [status for status, _ in told] == ["ok", "warning", "warning"]
    assert "called no tool: it answered in words" in told[1][1]
    assert "did not see that a red square is red" in told[2][1]


def test_a_critic_has_to_see(settings_of: SettingsOf) -> None:
    with serving(script(refuses=True)) as server:
        told = lines(settings_of, server.name, critic=server.name)
    assert told[2][0] == "wrong"
    assert "does not see images" in told[2][1]
    assert "so it can't judge" in told[2][1]


def test_a_refused_key_is_told_in_one_line(settings_of: SettingsOf) -> None:
    with serving(script(text="wrong key", status=401)) as server:
        told = lines(settings_of, server.name)
    assert [status for status, _ in told] == ["wrong"]
    assert "does not answer" in told[0][1]
    assert "401" in told[0][1]
    assert "\n" not in told[0][1]


def test_nobody_there_and_nobody_who_hurries(settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines(settings_of, "openai:m@http://127.0.0.1:9/v1")[0][0] == "wrong"
    monkeypatch.setattr(vlm, "SECONDS", 0.3)
    with serving(script(delay=20)) as server:
        told = lines(settings_of, server.name)
    assert told[0][0] == "wrong"
    assert "no answer within" in told[0][1]


def test_without_its_key_nothing_is_asked(settings_of: SettingsOf) -> None:
    assert lines(settings_of, "openai:gpt-6.1-sol") == []
    assert lines(settings_of, "nobody:model")[0][0] == "wrong"
