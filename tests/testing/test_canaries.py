"""The search for planted words finds them in what is packed as base64, also where it is cut anywhere."""

import base64

import pytest

from testing.canaries import KEY, found_in

PACKED = base64.b64encode(b"x" * 400 + KEY.encode() + b"y" * 400).decode()


@pytest.mark.parametrize("begun", range(5))
@pytest.mark.parametrize("ended", range(5))
def test_a_word_is_found_however_a_packed_value_is_cut(begun: int, ended: int) -> None:
    part = PACKED[begun : len(PACKED) - ended]
    assert found_in({"a database": b"\x00" + part.encode() + b"\xff"}, [KEY])
    assert found_in({"a database": part.encode()}, ["another"]) == []


def test_a_word_is_found_at_the_end_of_a_packed_value() -> None:
    for more in range(3):
        packed = base64.b64encode(b"x" * (400 + more) + KEY.encode()).decode()
        assert found_in({"a page": packed}, [KEY])
