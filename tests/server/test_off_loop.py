"""The pools in which what clients send is worked on."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from imagerag.server.off_loop import PICTURES_AT_ONCE, READING_AT_ONCE, on_pictures, reading


@pytest.mark.parametrize(("pool", "at_once"), [(reading, READING_AT_ONCE), (on_pictures, PICTURES_AT_ONCE)])
def test_so_many_work_at_once_and_the_loop_goes_on(pool: Callable[..., Any], at_once: int) -> None:
    opened, begun, most = threading.Event(), [], []

    def work(number: int) -> int:
        begun.append(number)
        most.append(len(begun))
        assert opened.wait(30)
        begun.remove(number)
        return number

    async def all_of_them() -> list[int]:
        waiting = [asyncio.create_task(pool(work, number)) for number in range(3 * at_once)]
        while len(begun) < at_once:
            await asyncio.sleep(0)
        opened.set()
        return await asyncio.gather(*waiting)

    for _ in range(2):  # an event loop each
        opened.clear()
        assert asyncio.run(all_of_them()) == list(range(3 * at_once))
    assert max(most) == at_once
