"""Calls that block, waited for on an event loop."""

import asyncio
import threading

import pytest

from imagerag.net.own_thread import in_own_thread


def test_what_it_returns_and_what_it_raises_arrive() -> None:
    def fail() -> None:
        raise LookupError("nothing there")

    assert asyncio.run(in_own_thread(lambda: threading.current_thread().name, "imagerag-test")) == "imagerag-test"
    with pytest.raises(LookupError, match="nothing there"):
        asyncio.run(in_own_thread(fail, "imagerag-test"))


def test_what_hangs_holds_up_neither_who_waits_nor_the_end_of_the_loop() -> None:
    let_go, ended = threading.Event(), threading.Event()

    def hang() -> None:
        let_go.wait(30)
        ended.set()

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await in_own_thread(hang, "imagerag-test")

    asyncio.run(impatient())
    assert not ended.is_set()
    let_go.set()
    assert ended.wait(30)
