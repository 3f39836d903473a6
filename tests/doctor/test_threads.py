"""Calls side by side."""

import threading

import pytest

from imagerag.doctor.threads import left, side_by_side, waits_end_after


def test_results_come_in_order_and_what_hangs_is_left() -> None:
    never = threading.Event()
    meet = threading.Barrier(2)  # the first two run at once, or neither ends
    assert side_by_side([lambda: meet.wait(20) >= 0, lambda: meet.wait(20) >= 0], 20) == [True, True]
    assert side_by_side([lambda: "first", lambda: never.wait() and "late"], 0.2) == ["first", None]


def test_an_error_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side([lambda: 1 / 0], 20)


def test_each_may_have_an_end_of_its_own() -> None:
    never = threading.Event()
    assert side_by_side([lambda: never.wait() and "late", lambda: never.wait(0.1) or "there"], [0.0, 20]) == [
        None,
        "there",
    ]


def test_all_waits_have_one_end_in_threads_too() -> None:
    assert left(4) == 4
    with waits_end_after(1):
        assert side_by_side([lambda: left(4)], 20)[0] <= 1  # type: ignore[operator]
        assert left(0.5) == 0.5
    with waits_end_after(0):
        assert (left(4), left(4, least=2)) == (0.1, 2)
    assert left(4) == 4
