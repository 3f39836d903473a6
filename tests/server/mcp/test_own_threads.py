"""Clients without a key have threads of their own, told apart by their sessions."""

from types import SimpleNamespace
from typing import Any

from mcp.server.streamable_http import MCP_SESSION_ID_HEADER

from imagerag.server.auth import ANONYMOUS
from imagerag.server.mcp.own_threads import own_thread


def test_a_session_has_a_thread_of_its_own_and_keeps_it() -> None:
    def context(session: str) -> Any:
        return SimpleNamespace(headers={MCP_SESSION_ID_HEADER: session} if session else None)

    first = own_thread(ANONYMOUS, "sea", context("one"))
    assert first == own_thread(ANONYMOUS, "sea", context("one"))
    assert first != own_thread(ANONYMOUS, "sea", context("two"))
    assert own_thread("somebody", "sea", context("one")) == own_thread("somebody", "sea", context("two"))
