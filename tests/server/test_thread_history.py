"""Names and histories of threads."""

import pytest

from imagerag.errors import UserError
from imagerag.server.database import ANONYMOUS
from imagerag.server.thread_history import thread_name


@pytest.mark.parametrize("name", ["sea", "a.b-c_1", "x" * 64])
def test_names(name: str) -> None:
    assert thread_name(name) == name


def test_a_new_name_each_time_where_none_is_given() -> None:
    first, second = thread_name(""), thread_name("")
    assert first.startswith("run-")
    assert first != second


@pytest.mark.parametrize("name", ["../up", "a b", "x" * 65, "a/b"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UserError, match=r"is not a name; take up to 64 letters"):
        thread_name(name)


def test_without_a_key_a_name_is_found_by_its_secret_alone() -> None:
    first, second = thread_name("sea", ANONYMOUS), thread_name("sea", ANONYMOUS)
    assert first != second
    assert first.startswith("sea-")
    assert thread_name(first, ANONYMOUS) == first
    assert thread_name("sea", "client-1") == "sea"
    assert thread_name("", ANONYMOUS) != thread_name("", ANONYMOUS)
    assert len(thread_name("x" * 64, ANONYMOUS)) == 64
    with pytest.raises(UserError, match="is not a name"):
        thread_name("../up", ANONYMOUS)


def test_without_a_key_a_name_is_the_same_thread_within_a_session() -> None:
    mine = thread_name("mcp", ANONYMOUS, "a session")
    assert thread_name("mcp", ANONYMOUS, "a session") == mine
    assert thread_name("sea", ANONYMOUS, "a session")[-32:] != mine[-32:]
    assert thread_name("mcp", ANONYMOUS, "another") != mine
    assert thread_name(mine, ANONYMOUS, "another") == mine, "who knows its secret may go on with it"
    assert thread_name("", ANONYMOUS, "a session") != thread_name("", ANONYMOUS, "a session")
