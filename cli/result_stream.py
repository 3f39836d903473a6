"""Standard output for what a program reads: a document of ``--json``, a path of ``--quiet``, the messages of MCP.

Whatever else a process writes to descriptor 1 makes those unreadable: a plug-in's ``os.write``, a C library, a command
that it starts. ``contextlib.redirect_stdout`` holds back none of these, since it moves the descriptor of nobody.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

STDOUT, STDERR = 1, 2

moved: set[int] = set()
"""The descriptors that lead to standard output while 1 does not."""


@contextmanager
def results_alone(stdout: TextIO, encoding: str | None = None) -> Iterator[TextIO]:
    """Give a stream to standard output; while the block runs, descriptor 1 leads to standard error.

    So do ``print``, and ``stdout`` itself. Commands that are started inherit the descriptor as it is then.

    Args:
        stdout: ``sys.stdout``. One that is not descriptor 1, as where a program catches what is printed, is given as it
            is, and nothing is moved.
        encoding: of the stream; that of ``stdout`` unless given.

    Raises:
        OSError: what is left in the stream can't be written.
    """
    if not _is_descriptor(stdout):
        yield stdout
        return
    stdout.flush()
    private = os.dup(STDOUT)  # which no command inherits, so that none keeps the reader waiting
    os.dup2(STDERR, STDOUT)
    moved.add(private)
    alone = open(private, "w", encoding=encoding or stdout.encoding, errors=stdout.errors, closefd=False)  # noqa: SIM115
    try:
        yield alone
    finally:
        try:
            stdout.flush()
            alone.close()
        finally:
            os.dup2(private, STDOUT)
            os.close(private)
            moved.discard(private)


def end_results() -> None:
    """Let descriptor 1 lead to standard error until the process ends: what libraries say then is no result."""
    os.dup2(STDERR, STDOUT)


def _is_descriptor(stream: TextIO) -> bool:
    try:
        return stream.fileno() == STDOUT
    except (OSError, ValueError):
        return False
