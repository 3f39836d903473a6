"""Names and histories of threads."""

import pytest

from imagerag.errors import UserError
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
