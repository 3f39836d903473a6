"""How many heaps the C library makes for a server's threads."""

import os
import platform
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")

_THREADS = """
import ctypes, sys, threading
from imagerag.server.allocator import bound_arenas
if sys.argv[1] == "bound":
    print(bound_arenas())
else:
    print(False)
meet = threading.Barrier(24)
def work():
    meet.wait()
    kept = bytes(100_000)
    meet.wait()
threads = [threading.Thread(target=work) for _ in range(24)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
sys.stdout.flush()
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


def _heaps(how: str, **environment: str) -> tuple[bool, int]:
    """Return whether a process with 24 threads bounded its heaps, and how many it has."""
    plain = {name: value for name, value in os.environ.items() if name not in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")}
    command = [sys.executable, "-c", _THREADS, how]
    printed = subprocess.run(command, env=plain | environment, capture_output=True, text=True, check=True).stdout
    return printed.startswith("True"), len(re.findall("<heap nr=", printed))


def test_threads_share_two_heaps() -> None:
    bounded, heaps = _heaps("bound")
    assert bounded
    assert heaps <= 2
    assert _heaps("as it is")[1] > 2, "else there is nothing to bound"


def test_a_number_that_the_environment_sets_is_heeded() -> None:
    bounded, heaps = _heaps("bound", MALLOC_ARENA_MAX="5")
    assert not bounded
    assert 2 < heaps <= 5
