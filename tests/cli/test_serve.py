"""What the command line makes of the options that concern servers."""

import logging
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from imagerag.cli.main import run
from imagerag.server import app
from imagerag.server.auth import TOKEN_VARIABLE

PAGE = "https://chat.example.org"


@pytest.mark.parametrize("command", [["serve"], ["web", "--no-browser"], ["mcp", "--http"]])
@pytest.mark.parametrize(("origin", "says"), [("*", TOKEN_VARIABLE), ("chat.example.org", "is no origin")])
def test_origins_are_checked_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str], origin: str, says: str
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert run([*command, "--port", "0", "--allow-origin", origin]) == 2
    assert says in capsys.readouterr().err


def test_named_origins_reach_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    seen: list[Any] = []

    def asked(server: Any, listener: Any, on_end: Any, *, behind_proxy: bool) -> None:
        assert not behind_proxy
        client = TestClient(server, base_url="http://127.0.0.1")
        seen.extend(client.get("/v1/models", headers={"origin": name}) for name in (PAGE, "https://other.test"))

    monkeypatch.setattr(app, "serve", asked)
    run(
        [
            "serve",
            "--port",
            "0",
            "--home",
            str(tmp_path),
            "--allow-origin",
            PAGE,
            "--allow-origin",
            "http://localhost:3000",
        ]
    )
    assert [answer.status_code for answer in seen] == [200, 403]
    assert seen[0].headers["access-control-allow-origin"] == PAGE


def test_a_traceback_of_a_server_is_told_in_lines_that_steer_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    meanwhile: list[logging.Handler] = []

    def asked(server: Any, listener: Any, on_end: Any, *, behind_proxy: bool) -> None:
        meanwhile.extend(logging.getLogger().handlers)
        try:
            raise ValueError("\x1b]0;stolen\x07")
        except ValueError:
            logging.getLogger("some.library").exception("it failed")

    monkeypatch.setattr(app, "serve", asked)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a process of its own, for the SDK of MCP
    run(["serve", "--port", "0", "--home", str(tmp_path)])
    told = capsys.readouterr().err
    assert "ERROR: it failed\nTraceback" in told
    assert "\x1b" not in told
    assert [type(handler) for handler in meanwhile] == [logging.StreamHandler]
    assert logging.getLogger().handlers == []
