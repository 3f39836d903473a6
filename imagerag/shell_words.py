"""Commands as a person types them, on Windows as elsewhere: taken apart into words, and words quoted."""

import os
import shlex
import subprocess
from collections.abc import Sequence

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


def quoted(words: Sequence[str], windows: bool = WINDOWS) -> str:
    """Return words as one text that can be pasted into the platform's shell."""
    return subprocess.list2cmdline(words) if windows else shlex.join(words)
