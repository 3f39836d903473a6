"""A run and who follows it."""

import asyncio
import contextlib

import pytest

from imagerag.server.run import Run


@pytest.mark.parametrize("ticks", range(6))
@pytest.mark.parametrize("beat", [None, 30.0])
def test_who_follows_can_be_cancelled_at_the_moment_in_which_something_happens(beat: float | None, ticks: int) -> None:
    async def main() -> None:
        run = Run("someone", "sea")

        async def follow() -> None:
            async for _ in run.follow(beat):
                pass

        follower = asyncio.create_task(follow())
        await asyncio.sleep(0.01)
        run.tell({"event": "note", "text": "one"})
        for _ in range(ticks):
            await asyncio.sleep(0)
        follower.cancel()
        await asyncio.wait([follower], timeout=5)
        ended = follower.cancelled()
        run.end()
        with contextlib.suppress(asyncio.CancelledError):
            await follower
        assert ended

    asyncio.run(main())
