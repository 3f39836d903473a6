"""Work on what clients send, off the event loop: in small pools, so that no client takes every thread there is."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar, TypeVarTuple, Unpack

import anyio
from anyio.lowlevel import RunVar

from imagerag.server.api_error import ApiError

sender: ContextVar[str] = ContextVar("imagerag_sender", default="")
"""Who sent the request: a client that had to show a token, else the address that it comes from."""

Kept = TypeVar("Kept")
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

READING_AT_ONCE = 4
"""Bodies that are parsed and texts that are searched at once."""
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
_TURNS: RunVar[dict[tuple[str, bool], "_Turn"]] = RunVar("imagerag_turns")
_SCALING: RunVar[anyio.CapacityLimiter] = RunVar("imagerag_scaling")
_ASKED: RunVar[set[object]] = RunVar("imagerag_asked_for_scaling")


async def reading(work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
    """Parse or search what a client has sent, and return what the work returns; waits while others do."""
    return await anyio.to_thread.run_sync(work, *arguments, limiter=_limiter(_READING, READING_AT_ONCE))


async def on_pictures(work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
    """Decode, scale or encode pictures, and return what the work returns; waits while others do."""
    return await anyio.to_thread.run_sync(work, *arguments, limiter=_limiter(_PICTURES, PICTURES_AT_ONCE))


class _Turn:
    """One client's turn to have a picture read."""

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
    turns, client = _turns(), (sender.get(), large)
    limiter = _limiter(_TAKING_IN, TAKEN_IN_AT_ONCE) if large else _limiter(_TAKING_IN_SMALL, SMALL_AT_ONCE)
    turn = turns.setdefault(client, _Turn())
    if turn.asked > MOST_OF_ONE:
        text = f"{MOST_OF_ONE} pictures of yours wait to be read; send the next when one of them has been"
        raise ApiError(429, text, "server_busy", headers={"Retry-After": "5"})
    turn.asked += 1
    try:
        async with turn.lock:
            return await anyio.to_thread.run_sync(work, *arguments, limiter=limiter)
    finally:
        turn.asked -= 1
        if not turn.asked:
            del turns[client]


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


def _turns() -> dict[tuple[str, bool], _Turn]:
    return _of_loop(_TURNS, dict)


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
