"""The clock by which runs are limited: that of the wall when the process began, and steady from there.

Somebody, or a time server, may set the wall clock during a run: back, which would suspend its limit, or forward, which
would end it at once. Seconds since the epoch, so that what one process has written means the same to the next.
"""

import time

_BEGAN = time.time() - time.monotonic()


def steady_time() -> float:
    """Return seconds since the epoch that never jump; those in which the machine slept may be missing."""
    return _BEGAN + time.monotonic()
