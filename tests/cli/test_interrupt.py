"""Ctrl-C while a command runs."""

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from imagerag.cli.interrupt import Ended, cancel_on_interrupt, ending_raises, status_of
from imagerag.cli.main import run

ENDING = [signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put back what a cancelled block leaves handled, as its process is about to end."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, *ENDING)}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


def test_the_first_interrupt_sets_the_event() -> None:
    with cancel_on_interrupt() as cancel:
        assert not cancel.is_set()
        signal.raise_signal(signal.SIGINT)
        assert cancel.wait(5)


def test_without_an_interrupt_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with cancel_on_interrupt() as cancel:
        assert signal.getsignal(signal.SIGINT) is not before
    assert not cancel.is_set()
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_nothing_is_caught() -> None:
    events: list[threading.Event] = []
    before = signal.getsignal(signal.SIGINT)

    def work() -> None:
        with cancel_on_interrupt() as cancel:
            events.append(cancel)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not events[0].is_set()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, *ENDING])
def test_each_signal_cancels_with_its_own_status(number: signal.Signals) -> None:
    with cancel_on_interrupt() as cancel:
        signal.raise_signal(number)
        assert cancel.wait(5)
    assert (cancel.status, cancel.ends_process) == (128 + number, number != signal.SIGINT)


@pytest.mark.skipif(sys.platform == "win32", reason="no terminal hangs up there")
def test_a_terminal_that_is_closed_tells_it_twice() -> None:
    with cancel_on_interrupt() as cancel:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)  # or this process would be gone
    assert cancel.status == 129


@pytest.mark.parametrize("number", ENDING)
def test_elsewhere_it_ends_what_is_done_as_ctrl_c_does(number: signal.Signals) -> None:
    with pytest.raises(Ended) as ended, ending_raises():
        signal.raise_signal(number)
    assert status_of(ended.value) == 128 + number
    assert status_of(KeyboardInterrupt()) == 130
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize("number", ENDING)
def test_what_is_ignored_stays_ignored(number: signal.Signals) -> None:
    """As nohup has it."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with ending_raises(), cancel_on_interrupt() as cancel:
            signal.raise_signal(number)
        assert not cancel.is_set()
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, *ENDING])
def test_any_command_ends_with_a_line_and_json(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("imagerag.cli.search.search", lambda options, stdout: signal.raise_signal(number))
    # As a terminal has it: in the background, shells leave Ctrl-C ignored.
    before = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    try:
        assert run(["search", "an owl", "--json"]) == 128 + number
    finally:
        signal.signal(number, before)
    captured = capsys.readouterr()
    assert captured.err == "imagerag: cancelled; nothing was made yet\n"
    assert captured.out == '{"stop_reason": "cancelled", "error": "cancelled before anything was made"}\n'
