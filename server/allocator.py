"""The C library's allocator, told to keep to what a long-lived server can afford."""

import ctypes
import os
import platform

ARENAS = 2
"""Heaps of the allocator (``M_ARENA_MAX``).

glibc makes up to eight for each core, gives each new thread the one that fewest others use, and keeps there what is
freed: what requests take for images and tensors stays behind once in each heap. Of two, one is the main thread's.
Measured on two cores with three clients: 1.1 GiB resident and flat, with sixteen heaps 1.8 GiB and rising.
"""

_M_ARENA_MAX = -8
"""From glibc's ``malloc.h``."""


def bound_arenas() -> bool:
    """Bound the number of the allocator's heaps; returns whether that was done.

    glibc only, and only while there are few threads: it settles on a number when it has made eight heaps. A number that
    the environment sets (``MALLOC_ARENA_MAX`` or ``GLIBC_TUNABLES``, see mallopt(3)) is heeded.
    """
    chosen = "MALLOC_ARENA_MAX" in os.environ or "arena_max" in os.environ.get("GLIBC_TUNABLES", "")
    if chosen or platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS))
