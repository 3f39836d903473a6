"""``imagerag serve`` as a process of its own, with the embedded engine."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Shown(NamedTuple):
    """A running server."""

    url: str
    pid: int


@contextlib.contextmanager
def running_server(*arguments: str, home: Path | None = None) -> Iterator[Shown]:
    """Run ``imagerag serve`` with a data directory of its own unless one is given."""
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "imagerag", "serve", "--port", "0", *arguments]
        with served_process(command, {**os.environ, "IMAGERAG_HOME": str(home or temporary)}) as shown:
            yield shown


@contextlib.contextmanager
def served_process(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Shown]:
    """Run a command that serves, until the address it writes to standard error is known.

    Raises:
        RuntimeError: it ended without an address.
    """
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ)
    assert process.stderr is not None
    try:
        found = next((found for line in process.stderr if (found := re.search(r"(http://[^/]+)", line))), None)
        if found is None:
            raise RuntimeError(f"{command} did not come up")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Shown(found[1], process.pid)
    finally:
        process.terminate()
        process.wait(30)
