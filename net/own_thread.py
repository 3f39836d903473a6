"""Waiting, on an event loop, for what blocks and can't be stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")


async def in_own_thread(call: Callable[[], Result], name: str) -> Result:
    """Return what a call returns, or raise what it raises; it gets a thread of its own.

    Threads of the loop's executor are waited for when the loop is closed, so that what hangs in one holds up its end.

    Args:
        call: may go on when nobody waits for it any more.
        name: of the thread.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Result] = loop.create_future()

    def hand_over(tell: Callable[[], None]) -> None:
        if not answer.done():  # else nobody waits any more
            tell()

    def work() -> None:
        try:
            found = call()
        except Exception as error:
            failed = error

            def tell() -> None:
                answer.set_exception(failed)
        else:

            def tell() -> None:
                answer.set_result(found)

        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(hand_over, tell)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await answer
