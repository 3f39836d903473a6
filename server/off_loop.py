"""Work on what clients send, off the event loop: in two small pools, so that no client takes every thread there is."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, Unpack

import anyio
from anyio.lowlevel import RunVar

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

READING_AT_ONCE = 4
"""Bodies that are parsed and texts that are searched at once."""
PICTURES_AT_ONCE = 2
"""Pictures that are decoded, scaled and encoded at once: one may take some hundred megabytes."""

_READING: RunVar[anyio.CapacityLimiter] = RunVar("imagerag_reading")
_PICTURES: RunVar[anyio.CapacityLimiter] = RunVar("imagerag_pictures")


async def reading(work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
    """Parse or search what a client has sent, and return what the work returns; waits while others do."""
    return await anyio.to_thread.run_sync(work, *arguments, limiter=_limiter(_READING, READING_AT_ONCE))


async def on_pictures(work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
    """Decode, scale or encode pictures, and return what the work returns; waits while others do."""
    return await anyio.to_thread.run_sync(work, *arguments, limiter=_limiter(_PICTURES, PICTURES_AT_ONCE))


def _limiter(kept: RunVar[anyio.CapacityLimiter], at_once: int) -> anyio.CapacityLimiter:
    # A limiter belongs to one event loop, so each loop has its own.
    try:
        return kept.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(at_once)
        kept.set(limiter)
        return limiter
