"""Ctrl-C while a command runs."""

import signal
import threading

from imagerag.cli.interrupt import cancel_on_interrupt


def test_the_first_interrupt_sets_the_event() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        with cancel_on_interrupt() as cancel:
            assert not cancel.is_set()
            signal.raise_signal(signal.SIGINT)
            assert cancel.wait(5)
    finally:
        signal.signal(signal.SIGINT, before)


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
