"""What a command asks of the operating system about its files, recorded by strace."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_CALLS = "write,pwrite64,writev,pwritev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
_BEGUN = re.compile(r"^(\d+)\s+(\w+)\((.*?)(?:\)\s+= (-?\d+).*| <unfinished \.\.\.>)$")
_ENDED = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>.*\)\s+= (-?\d+)")
_HANDLE = re.compile(r"^(\d+)<([^>]*)>")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Call(NamedTuple):
    """A system call that went well.

    Attributes:
        name: ``write``, ``fsync``, ``rename`` or ``unlink``, of whichever kind.
        path: that it is about.
        to: the new name, of a rename.
        begun, ended: when, as places in the record.
        data: what was written, as strace spells it.
        handle: what it was written by.
    """

    name: str
    path: str
    to: str
    begun: int
    ended: int
    data: str
    handle: int


def can_record() -> bool:
    """Tell whether strace is there, and may trace."""
    return (
        sys.platform == "linux"
        and bool(shutil.which("strace"))
        and not subprocess.call(["strace", "-o", "/dev/null", "true"])
    )


def recorded(command: Sequence[str], record: Path) -> list[Call]:
    """Run a command to its end, and return what it and its threads did to files, in order of their beginning.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    traced = ["strace", "-f", "-y", "--seccomp-bpf", "-s", "100000", "-e", f"trace={_CALLS}", "-e", "signal=none"]
    subprocess.run([*traced, "-o", str(record), *command], check=True, capture_output=True)
    return read_calls(record.read_text(encoding="utf-8", errors="replace").splitlines())


def read_calls(lines: Sequence[str]) -> list[Call]:
    """Return the calls of a record."""
    calls: list[Call | None] = []
    open_ones: dict[str, tuple[int, str, str, int]] = {}
    for at, line in enumerate(lines):
        if found := _ENDED.match(line):
            place, name, given, begun = open_ones.pop(found[1])
            calls[place] = _call(name, given, begun, at) if int(found[3]) >= 0 else None
        elif found := _BEGUN.match(line):
            if found[4] is None:
                open_ones[found[1]] = (len(calls), found[2], found[3], at)
                calls.append(None)
            elif int(found[4]) >= 0:
                calls.append(_call(found[2], found[3], at, at))
    return [call for call in calls if call is not None]


def _call(name: str, given: str, begun: int, ended: int) -> Call:
    texts = _TEXT.findall(given)
    if name.startswith(("rename", "unlink")):
        kind = "rename" if name.startswith("rename") else "unlink"
        return Call(kind, texts[0], texts[1] if kind == "rename" else "", begun, ended, "", -1)
    handle = _HANDLE.match(given)
    number, path = (int(handle[1]), handle[2]) if handle else (-1, "")
    kind = "write" if "write" in name else "fsync"
    return Call(kind, path, "", begun, ended, "".join(texts) if kind == "write" else "", number)
