"""Threads of clients over MCP: the same name in two sessions without a key is two threads."""

from types import SimpleNamespace
from typing import Any

import pytest
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER

from imagerag.errors import UserError
from imagerag.server.database import ANONYMOUS
from imagerag.server.mcp.own_threads import own_thread


def context(session: str | None) -> Any:
    """Return what a tool gets; over stdio there are no headers."""
    return SimpleNamespace(headers=None if session is None else {MCP_SESSION_ID_HEADER: session})


def test_sessions_without_a_key_have_threads_of_their_own() -> None:
    first, second = (own_thread(ANONYMOUS, "mcp", context(session)) for session in ("one", "two"))
    assert first != second
    assert own_thread(ANONYMOUS, "mcp", context("one")) == first


def test_a_client_with_a_key_keeps_its_names() -> None:
    assert own_thread("somebody", "mcp", context("one")) == own_thread("somebody", "mcp", context(None)) == "mcp"


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(UserError, match="thread"):
        own_thread(ANONYMOUS, "../x" * 200, context("one"))
