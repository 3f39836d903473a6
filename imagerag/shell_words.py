"""Commands as a person types them, on Windows as elsewhere: taken apart into words, and words quoted."""

import os
import shlex
import subprocess
from collections.abc import Sequence

from imagerag.credentials import without_credentials

WINDOWS = os.name == "nt"


def split_command(command: str, windows: bool = WINDOWS) -> list[str]:
    """Return the words of a command; on Windows a backslash is a part of a path and escapes nothing.

    Raises:
        ValueError: a quotation mark without its other.
    """
    if not windows:
        return shlex.split(command)
    words = shlex.split(command, posix=False)
    return [word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word for word in words]


def program_of(command: str) -> str:
    """Return a command as others are told it: the name of its program, and ``...`` for its arguments.

    Keys are given to programs as arguments, and to ``env`` as variables.
    """
    try:
        words = split_command(command)
    except ValueError:  # a quotation mark without its other
        words = command.split()
    if words and os.path.basename(words[0]) == "env":
        rest = words[1:]
        while rest and "=" in rest[0]:
            rest = rest[1:]
        words = rest or words
    if not words:
        return ""
    program = words[0].replace("\\", "/").rstrip("/").rpartition("/")[2]
    return f"{program} ..." if len(words) > 1 else program


def shown_server(server: str) -> str:
    """Return an MCP server, an address or a command, as people and clients are told it: without what may be a key."""
    is_address = server.lower().startswith(("http:", "https:"))
    return without_credentials(server) if is_address else program_of(server)


def quoted(words: Sequence[str], windows: bool = WINDOWS) -> str:
    """Return words as one text that can be pasted into the platform's shell."""
    return subprocess.list2cmdline(words) if windows else shlex.join(words)
