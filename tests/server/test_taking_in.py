"""Who sends many pictures waits for himself alone."""

import threading
import time
from functools import partial

import anyio
import pytest

from imagerag.server import off_loop
from imagerag.server.api_error import ApiError
from imagerag.server.off_loop import MOST_OF_ONE, sender, taking_in


def test_a_client_has_one_picture_read_at_a_time_and_another_is_not_behind_it() -> None:
    held, order = threading.Event(), []

    def read(name: str) -> None:
        if name.startswith("many"):
            held.wait(10)
        order.append(name)

    async def sent(client: str, name: str) -> None:
        sender.set(client)
        await taking_in(read, name)

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(sent, "many", f"many-{number}")
            await anyio.sleep(0.05)
            await sent("other", "other")
            held.set()

    anyio.run(both)
    assert order[0] == "other"
    assert len(order) == 6


def test_a_small_picture_does_not_wait_for_large_ones_of_the_same_address() -> None:
    held, order = threading.Event(), []

    def read(name: str) -> None:
        if name == "large":
            held.wait(10)
        order.append(name)

    async def sent(name: str) -> None:
        await taking_in(read, name, large=name == "large")

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(MOST_OF_ONE):
                tasks.start_soon(sent, "large")
            await anyio.sleep(0.05)
            await sent("small")
            held.set()

    anyio.run(both)
    assert order == ["small", *["large"] * MOST_OF_ONE]


def test_no_more_than_so_many_of_one_client_wait() -> None:
    held = threading.Event()
    refused: list[ApiError] = []

    async def sent() -> None:
        sender.set("many")
        try:
            await taking_in(partial(held.wait, 10))
        except ApiError as error:
            refused.append(error)

    async def all_of_them() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(MOST_OF_ONE + 4):
                tasks.start_soon(sent)
            await anyio.sleep(0.05)
            held.set()

    anyio.run(all_of_them)
    assert [error.status for error in refused] == [429] * 3
    assert "pictures of yours wait" in str(refused[0])


def test_nothing_is_kept_of_a_client_that_has_been_served(monkeypatch: pytest.MonkeyPatch) -> None:
    async def once() -> int:
        await taking_in(time.sleep, 0)
        return len(off_loop._TURNS.get())

    assert anyio.run(once) == 0
