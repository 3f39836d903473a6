"""The pace of what one client sends, without a clock."""

import pytest

from imagerag.server.pace import KNOWN, Pace

RATE, BURST, SHORTEST = 2**22, 2**26, 0.02


def test_a_burst_comes_at_once_and_what_follows_at_the_pace() -> None:
    pace = Pace(RATE, BURST, SHORTEST)
    assert pace.wait("a", BURST, 100.0) == 0
    assert pace.wait("a", RATE, 100.0) == pytest.approx(1)
    assert pace.wait("a", RATE, 101.0) == pytest.approx(1)
    assert pace.wait("b", BURST, 101.0) == 0, "another client"


def test_who_waits_for_long_has_a_burst_again_and_no_more() -> None:
    pace = Pace(RATE, BURST, SHORTEST)
    pace.wait("a", 4 * BURST, 0.0)
    assert pace.wait("a", BURST, 1000.0) == 0
    assert pace.wait("a", RATE, 1000.0) == pytest.approx(1)


def test_short_waits_add_up() -> None:
    pace, waits = Pace(RATE, BURST, SHORTEST), []
    for _ in range(BURST // 2**16):
        waits.append(pace.wait("a", 2**16, 0.0))
    assert set(waits) == {0.0}
    later = [pace.wait("a", 2**16, 0.0) for _ in range(20)]
    assert later[0] == 0
    assert later[-1] == pytest.approx(20 * 2**16 / RATE)


def test_no_more_clients_are_remembered_than_that() -> None:
    pace = Pace(RATE, BURST, SHORTEST)
    pace.wait("first", 9 * BURST, 0.0)
    for number in range(KNOWN):
        pace.wait(f"client {number}", 1, 0.0)
    assert pace.wait("first", 1, 0.0) == 0
