"""Work on what clients send, off the event loop: in small pools, so that no client takes every thread there is."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TypeVar, TypeVarTuple, Unpack

import anyio
from anyio.lowlevel import RunVar

from imagerag.server.api_error import ApiError
from imagerag.server.pace import Pace

sender: ContextVar[str] = ContextVar("imagerag_sender", default="")
"""Who sent the request: a client that had to show a token, else the address that it comes from."""

Kept = TypeVar("Kept")
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

READING_AT_ONCE = 4
"""Bodies that are parsed and texts that are searched at once, one of each client ..."""
READING_SHARE = 0.2
"""... who may use so many seconds of the processor for it in each second: meanwhile no other thread runs ..."""
READING_BURST = 0.2
"""... beyond so many at once: the worst body of a MiB takes some 20 ms."""
MOST_TO_READ = 256
"""Of one client that wait for that."""
PICTURES_AT_ONCE = 2
"""Pictures that are decoded, scaled and encoded at once: one may take some hundred megabytes."""

TAKEN_IN_AT_ONCE = 2
"""Large pictures of clients that are read at once, one of each client: who sends many waits for himself alone."""
SMALL_AT_ONCE = 1
"""Small ones besides. Where no token is needed, all clients of an address count as one, and who sends a small
picture must not wait for somebody's 16 largest, which take a second or two each."""
MOST_OF_ONE = 16
"""Pictures of one client that wait to be read, large and small ones each."""

SCALED_AT_ONCE = 1
"""Images that are scaled at once for whoever knows their address, without a token."""
MOST_WAITING = 16
"""Requests that wait for that."""

_READING: RunVar[anyio.CapacityLimiter] = RunVar("imagerag_reading")
_PICTURES: RunVar[anyio.CapacityLimiter] = RunVar("imagerag_pictures")
_TAKING_IN: RunVar[anyio.CapacityLimiter] = RunVar("imagerag_taking_in")
_TAKING_IN_SMALL: RunVar[anyio.CapacityLimiter] = RunVar("imagerag_taking_in_small")
_TURNS: RunVar[dict[tuple[str, str], "_Turn"]] = RunVar("imagerag_turns")
_PACE: RunVar[Pace] = RunVar("imagerag_pace_of_reading")
_SCALING: RunVar[anyio.CapacityLimiter] = RunVar("imagerag_scaling")
_ASKED: RunVar[set[object]] = RunVar("imagerag_asked_for_scaling")


async def reading(work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
    """Parse or search what the client of ``sender`` has sent, and return what the work returns.

    It waits while others do, and while that client has used up his share of the processor's time.

    Raises:
        ApiError: too many of that client's wait for it already.
    """
    pace, client = _of_loop(_PACE, lambda: Pace(READING_SHARE, READING_BURST)), sender.get()
    async with _turn("reading", MOST_TO_READ, "requests of yours wait to be read"):
        if wait := pace.wait(client, 0.0, anyio.current_time()):
            await anyio.sleep(wait)
        used = 0.0

        def measured() -> Result:
            nonlocal used
            began = time.thread_time()
            try:
                return work(*arguments)
            finally:
                used = time.thread_time() - began

        try:
            return await anyio.to_thread.run_sync(measured, limiter=_limiter(_READING, READING_AT_ONCE))
        finally:
            pace.wait(client, used, anyio.current_time())


async def on_pictures(work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
    """Decode, scale or encode pictures, and return what the work returns; waits while others do."""
    return await anyio.to_thread.run_sync(work, *arguments, limiter=_limiter(_PICTURES, PICTURES_AT_ONCE))


class _Turn:
    """One client's turn to have something read."""

    def __init__(self) -> None:
        self.lock = anyio.Lock()
        self.asked = 0


async def taking_in(work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments, large: bool = True) -> Result:
    """Read a picture that the client of ``sender`` has sent, and return what the work returns.

    Args:
        work: reads it.
        arguments: of the work.
        large: the picture takes long; small ones have turns of their own.

    Raises:
        ApiError: too many of that client's wait for it already.
    """
    limiter = _limiter(_TAKING_IN, TAKEN_IN_AT_ONCE) if large else _limiter(_TAKING_IN_SMALL, SMALL_AT_ONCE)
    kind = "large picture" if large else "small picture"
    async with _turn(kind, MOST_OF_ONE, "pictures of yours wait to be read"):
        return await anyio.to_thread.run_sync(work, *arguments, limiter=limiter)


@asynccontextmanager
async def _turn(kind: str, most: int, waiting: str) -> AsyncIterator[None]:
    """Wait for the turn of the client of ``sender`` with a kind of work.

    Raises:
        ApiError: so many of his wait for it already.
    """
    turns, mine = _of_loop(_TURNS, dict), (sender.get(), kind)
    turn = turns.setdefault(mine, _Turn())
    if turn.asked > most:
        text = f"{most} {waiting}; send the next when one of them has been"
        raise ApiError(429, text, "server_busy", headers={"Retry-After": "5"})
    turn.asked += 1
    try:
        async with turn.lock:
            yield
    finally:
        turn.asked -= 1
        if not turn.asked:
            del turns[mine]


async def scaling(work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
    """Scale an image for a client who need not have a token, and return what the work returns.

    Raises:
        ApiError: too many wait for that already.
    """
    limiter, asked = _limiter(_SCALING, SCALED_AT_ONCE), _asked()
    if len(asked) >= SCALED_AT_ONCE + MOST_WAITING:
        text = f"{MOST_WAITING} images wait to be scaled; ask again later, or for the image without 'size'"
        raise ApiError(429, text, "server_busy", "size", {"Retry-After": "5"})
    mine = object()
    asked.add(mine)
    try:
        return await anyio.to_thread.run_sync(work, *arguments, limiter=limiter)
    finally:
        asked.remove(mine)


def _asked() -> set[object]:
    """Return who has asked for scaling and has no answer yet: the limiter knows of a task a moment too late."""
    return _of_loop(_ASKED, set)


def _limiter(kept: RunVar[anyio.CapacityLimiter], at_once: int) -> anyio.CapacityLimiter:
    return _of_loop(kept, lambda: anyio.CapacityLimiter(at_once))


def _of_loop(kept: RunVar[Kept], make: Callable[[], Kept]) -> Kept:
    # A limiter belongs to one event loop, so each loop has its own.
    try:
        return kept.get()
    except LookupError:
        made = make()
        kept.set(made)
        return made
