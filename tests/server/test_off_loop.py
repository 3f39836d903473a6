"""The pools in which what clients send is worked on."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from imagerag.server.api_error import ApiError
from imagerag.server.off_loop import (
    MOST_TO_READ,
    MOST_WAITING,
    PICTURES_AT_ONCE,
    READING_AT_ONCE,
    SCALED_AT_ONCE,
    on_pictures,
    reading,
    scaling,
    sender,
)


@pytest.mark.parametrize(
    ("pool", "at_once"), [(reading, READING_AT_ONCE), (on_pictures, PICTURES_AT_ONCE), (scaling, SCALED_AT_ONCE)]
)
def test_so_many_work_at_once_and_the_loop_goes_on(pool: Callable[..., Any], at_once: int) -> None:
    opened, begun, most = threading.Event(), [], []

    def work(number: int) -> int:
        begun.append(number)
        most.append(len(begun))
        assert opened.wait(30)
        begun.remove(number)
        return number

    async def one_of(number: int) -> int:
        sender.set(f"client {number}")
        return int(await pool(work, number))

    async def all_of_them() -> list[int]:
        waiting = [asyncio.create_task(one_of(number)) for number in range(3 * at_once)]
        while len(begun) < at_once:
            await asyncio.sleep(0)
        opened.set()
        return await asyncio.gather(*waiting)

    for _ in range(2):  # an event loop each
        opened.clear()
        assert asyncio.run(all_of_them()) == list(range(3 * at_once))
    assert max(most) == at_once


def test_of_images_to_be_scaled_so_many_wait_and_the_next_is_told_so() -> None:
    opened = threading.Event()

    async def crowd() -> list[Any]:
        many = MOST_WAITING + SCALED_AT_ONCE + 2
        waiting = asyncio.gather(*(scaling(opened.wait, 30) for _ in range(many)), return_exceptions=True)
        for _ in range(100):
            await asyncio.sleep(0)
        opened.set()
        return await waiting

    refused = [one for one in asyncio.run(crowd()) if one is not True]
    assert [(one.status, one.headers) for one in refused] == [(429, {"Retry-After": "5"})] * 2
    assert all(isinstance(one, ApiError) and "wait to be scaled" in str(one) for one in refused)


def test_who_has_used_up_his_share_of_the_processor_waits_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.server.off_loop.READING_BURST", 0.01)
    waits: list[tuple[str, float]] = []

    async def sleep(seconds: float) -> None:
        waits.append((sender.get(), seconds))

    monkeypatch.setattr("imagerag.server.off_loop.anyio.sleep", sleep)

    def busy() -> None:
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass

    async def read() -> None:
        sender.set("one")
        await reading(busy)
        await reading(busy)
        sender.set("another")
        await reading(busy)

    asyncio.run(read())
    ((who, seconds),) = waits
    assert who == "one"
    assert seconds > 0


def test_one_client_reads_one_thing_at_a_time_and_so_many_of_his_wait() -> None:
    opened = threading.Event()
    begun: list[int] = []

    async def crowd() -> list[Any]:
        sender.set("one")
        many = MOST_TO_READ + 3
        waiting = asyncio.gather(
            *(reading(lambda: (begun.append(len(begun)), opened.wait(30))) for _ in range(many)), return_exceptions=True
        )
        while not begun:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(begun) == 1
        opened.set()
        return await waiting

    refused = [one for one in asyncio.run(crowd()) if isinstance(one, ApiError)]
    assert [one.status for one in refused] == [429, 429]
