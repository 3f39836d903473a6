"""What errors say."""

import pytest

from imagerag.errors import MOST_TOLD, InvalidArgument, UserError


@pytest.mark.parametrize("kind", [UserError, InvalidArgument])
def test_a_message_has_an_end_whatever_it_names(kind: type[Exception]) -> None:
    told = str(kind(f"the generator {'x' * 1_000_000!r} is not known; give another"))
    assert len(told) < MOST_TOLD + 10
    assert told.startswith("the generator 'xxx")
    assert told.endswith("xxx' is not known; give another")
    assert str(kind("short")) == "short"
