"""``python -m imagerag`` and the console script ``imagerag``."""

import os
import sys
from contextlib import suppress

from imagerag.cli.interrupt import CANCELLED
from imagerag.cli.main import run
from imagerag.cli.result_stream import end_results
from imagerag.interruptible import work_left_behind


def main() -> None:
    """Run the command line and exit with its status."""
    status = run(sys.argv[1:])
    end_results()
    if status == CANCELLED or work_left_behind():
        # A call that was cancelled may still be in native code, in which Python's own way out would crash. And where an
        # interrupt has come through an ``exec``, as dataclasses have, Python ends by that signal, whatever the status.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # whoever read it has gone, which the status tells
                stream.flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
