"""What a person types, line by line; with line editing and a history across sessions on a terminal."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from imagerag.cli.interrupt import Ended
from imagerag.cli.terminal import say
from imagerag.store.private import private_file


def typed_lines(on_terminal: bool, home: Path) -> Iterator[str]:
    """Yield the lines of standard input, to its end.

    Args:
        on_terminal: whether a person types them.
        home: the data directory, which keeps the history.
    """
    if not on_terminal:
        yield from (line.rstrip("\n") for line in sys.stdin)
        return
    with contextlib.suppress(ImportError):  # not there on Windows
        import readline

        history = home / "chat-history"
        with contextlib.suppress(OSError):
            private_file(history)
        with contextlib.suppress(OSError):
            readline.read_history_file(history)
        readline.set_history_length(1000)
    while True:
        try:
            line = input("> ")
        except EOFError:
            say("")
            return
        except Ended:
            raise
        except KeyboardInterrupt:
            say("\n/quit or Ctrl-D ends")
            continue
        with contextlib.suppress(ImportError, OSError):
            readline.append_history_file(1, history)
        yield line
