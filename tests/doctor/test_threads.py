"""Calls side by side."""

import threading

import pytest

from imagerag.doctor.threads import side_by_side


def test_results_come_in_order_and_what_hangs_is_left() -> None:
    never = threading.Event()
    meet = threading.Barrier(2)  # the first two run at once, or neither ends
    assert side_by_side([lambda: meet.wait(20) >= 0, lambda: meet.wait(20) >= 0], 20) == [True, True]
    assert side_by_side([lambda: "first", lambda: never.wait() and "late"], 0.2) == ["first", None]


def test_an_error_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side([lambda: 1 / 0], 20)
