"""Disks that fail a command of the torture script: read-only, with little room, slow, or failing.

A command gets a mount namespace of its own, in which its data directory is mounted read-only or lies on a small tmpfs;
neither needs the rights of root, where the system lets people have user namespaces. Slow and failing disks are strace,
which delays or refuses system calls.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_NEW_NAMESPACE, _NEW_USER = 0x00020000, 0x10000000  # CLONE_NEWNS, CLONE_NEWUSER of <linux/sched.h>
_BIND, _REMOUNT, _READ_ONLY, _PRIVATE = 0x1000, 0x20, 0x1, 0x4000 | 0x40000  # MS_* of <linux/mount.h>, MS_REC besides
_KEPT = 0x2 | 0x4 | 0x8 | 0x400
"""nosuid, nodev, noexec and noatime, which a user namespace may not take from a mount; statvfs has the same bits."""
_DEATH, _TRACER, _ANYONE = 1, 0x59616D61, ctypes.c_ulong(-1)  # PR_SET_PDEATHSIG, PR_SET_PTRACER, ..._ANY

Kind = Literal["read-only", "small", "traced"]
LAID_ASIDE = "after"
"""Folder beside the data directory with what was on a small disk at the end."""


@dataclass(frozen=True)
class Disk:
    """What lies below a data directory while a command runs.

    Attributes:
        home: the data directory.
        kind: mounted read-only; with little room; or as it is, with its system calls disturbed.
        room: bytes that are left on a small one. What is on it at the end lies in ``LAID_ASIDE`` beside ``home``.
        traced: what strace injects, as in ``fsync:error=EIO``.
    """

    home: Path
    kind: Kind
    room: int = 0
    traced: tuple[str, ...] = ()

    def lay(self) -> None:
        """Put it below this process, which has one thread, and all that it starts."""
        if self.kind == "traced":
            _trace(self.traced)
            return
        _own_mounts()
        if self.kind == "read-only":
            flags = os.statvfs(self.home).f_flag & _KEPT
            _mount(str(self.home), self.home, _BIND)
            _mount(None, self.home, _BIND | _REMOUNT | _READ_ONLY | flags)
            return
        _lay_small(self.home, self.room)


def can_mount() -> bool:
    """Tell whether a process may have mounts of its own here."""
    return _works("mount")


def can_trace() -> bool:
    """Tell whether strace is there, and may trace."""
    return shutil.which("strace") is not None and _works("trace")


def _works(what: str) -> bool:
    """Try it in a process of its own, which it would change."""
    command = [sys.executable, "-m", "benchmarks.torture_disks", what]
    return sys.platform == "linux" and subprocess.run(command, capture_output=True).returncode == 0


def _own_mounts() -> None:
    """Give this process mounts that nobody else sees."""
    user, group = os.getuid(), os.getgid()
    if user == 0:
        _call("unshare", _NEW_NAMESPACE)
    else:
        _call("unshare", _NEW_NAMESPACE | _NEW_USER)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    _mount(None, Path("/"), _PRIVATE)


def _lay_small(home: Path, room: int) -> None:
    """Put a tmpfs with the content of ``home`` on it, and go on in a child, whose end this process waits for."""
    aside, after = home.with_name("aside"), home.with_name(LAID_ASIDE)
    for folder in (aside, after):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(home, aside)
    _mount("small", home, 0, "tmpfs", "mode=700")
    shutil.copytree(aside, home, dirs_exist_ok=True)
    held = os.statvfs(home)
    used = (held.f_blocks - held.f_bfree) * held.f_frsize
    _mount(None, home, _REMOUNT, None, f"size={used + room}")
    os.chdir("/")
    child = os.fork()
    if child == 0:
        _call("prctl", _DEATH, signal.SIGKILL)
        return
    _, ended = os.waitpid(child, 0)
    shutil.copytree(home, after)
    os._exit(abs(os.waitstatus_to_exitcode(ended)))


def _trace(injected: tuple[str, ...]) -> None:
    """Let strace disturb the system calls of this process from now on."""
    with suppress(OSError):  # a kernel without Yama, which asks for no leave
        _call("prctl", _TRACER, _ANYONE)
    calls = ",".join(one.partition(":")[0] for one in injected)
    command = ["strace", "-f", "-q", "-o", os.devnull, "-e", f"trace={calls}"]
    for one in injected:
        command += ["-e", f"inject={one}"]
    subprocess.Popen(
        [*command, "-p", str(os.getpid())], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    until = time.monotonic() + 10
    while "TracerPid:\t0\n" in Path("/proc/self/status").read_text(encoding="ascii"):
        if time.monotonic() > until:
            raise OSError("strace does not trace")
        time.sleep(0.01)


def _mount(what: str | None, where: Path, flags: int, kind: str | None = None, data: str | None = None) -> None:
    texts = (None if one is None else one.encode() for one in (what, str(where), kind))
    _call("mount", *texts, flags, None if data is None else data.encode())


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    if sys.argv[1] == "mount":
        _own_mounts()
    else:
        _trace(("fsync:delay_enter=1",))
