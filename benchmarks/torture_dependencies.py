"""Faults of the torture script that are others': servers that are gone or misbehave, disks, and the clock."""

import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.torture_commands import Command, Conditions, Outcome, faketime, run
from benchmarks.torture_disks import LAID_ASIDE, Disk, can_mount, can_trace
from benchmarks.torture_faults import AFTER, FOLLOWING, Fault, Struck, arguments_of, is_fine
from benchmarks.torture_serving import UP, Server
from testing import faulty_servers
from testing.faulty_servers import faulty_server

GONE = "http://127.0.0.1:9"
"""Nothing listens there."""
WITH_PICTOGRAMS = ["--critic", "clip", "--lookup-model", "embedded", "--library", "bundled"]
"""What goes with a generator of photographs where no photographic CLIP model is at hand: a run that refuses for want of
one asks no server."""
CLIENTS = {
    "image server": ["--generator", "openai:m@{0}/v1", *WITH_PICTOGRAMS],
    "ComfyUI": ["--generator", "comfyui:{0}", *WITH_PICTOGRAMS],
    "chat model": ["--vlm", "openai:m@{0}/v1"],
    "critic": ["--critic", "openai:m@{0}/v1"],
    "MCP server": ["--mcp-server", "{0}/mcp", "--vlm", "openai:m@{0}/v1"],
}
"""Arguments of a run that asks a server, by what the server is."""
SECONDS = {"hangs": "8", "drips": "8", "wrong": "8"}
"""``--max-seconds`` of a run that nothing else would end (half a head of HTTP is waited for, too); others get longer,
and have to end by themselves."""


def dependencies() -> Iterator[Fault]:
    """Yield each fault of each kind of server that a command, or a server of ours, asks."""
    for fault in ("gone", *faulty_servers.FAULTS):
        for client in CLIENTS:
            yield Fault(f"dependency: {client} {fault}", partial(_drawn_with, client, fault), follows=AFTER["draw"])
        yield Fault(f"dependency: Chroma {fault}", partial(_added_to, fault), follows=AFTER["add"])
        for client in ("image server", "chat model"):
            strike = partial(_served_with, client, fault)
            yield Fault(f"dependency: {client} of a server {fault}", strike, follows=("serve",))


def disks() -> Iterator[Fault]:
    """Yield full, read-only, failing and slow disks."""
    mounts, traces = ("" if can_mount() else "mounts of its own"), ("" if can_trace() else "strace")
    for what in ("draw", "add"):
        for size in (100, 5_000, 20_000, 60_000, 140_000, 300_000):
            yield Fault(f"full disk: {what}, files of {size} bytes at most", partial(_limited, what, size))
    for what in ("draw", "add", "rebuild", "serve"):
        for room in (0, 8, 40, 160, 640, 2560):
            name = f"full disk: {what}, {room} KiB left"
            yield Fault(name, partial(_on, what, Disk(Path(), "small", room * 1024)), lacks=mounts, follows=_all(what))
        # A rebuild of the bundled index writes 200,000 times: at 5 ms it would take a quarter of an hour.
        delay, told = (500, "0.5 ms") if what == "rebuild" else (5000, "5 ms")
        writes = (f"write:delay_enter={delay}", f"pwrite64:delay_enter={delay}")
        name = f"read-only disk: {what}"
        yield Fault(name, partial(_on, what, Disk(Path(), "read-only")), lacks=mounts, follows=_all(what))
        for name, traced in (
            ("failing disk: {}, fsync", ("fsync:error=EIO", "fdatasync:error=EIO")),
            ("failing disk: {}, fsync from the fourth on", ("fsync:error=EIO:when=4+", "fdatasync:error=EIO:when=4+")),
            ("failing disk: {}, rename", ("rename:error=EIO",)),
            ("failing disk: {}, rename from the third on", ("rename:error=ENOSPC:when=3+",)),
            ("slow disk: {}, each fsync takes 0.3 s", ("fsync:delay_enter=300000", "fdatasync:delay_enter=300000")),
            (f"slow disk: {{}}, each write takes {told}", writes),
        ):
            disk = Disk(Path(), "traced", traced=traced)
            yield Fault(name.format(what), partial(_on, what, disk), lacks=traces, follows=_all(what))
        slow = Disk(Path(), "traced", traced=("fsync:delay_enter=100000", "rename:delay_enter=100000"))
        yield Fault(f"slow disk: {what}, killed", partial(_on, what, slow, kill=True), lacks=traces, follows=_all(what))
    for what in ("status", "verify"):
        yield Fault(
            f"read-only disk: index {what}", partial(_on, what, Disk(Path(), "read-only"), reads=True), lacks=mounts
        )


def clocks() -> Iterator[Fault]:
    """Yield clocks that are wrong from the beginning, and that jump while a command runs."""
    lacks = "" if faketime() else "libfaketime"
    for what in ("draw", "add", "serve"):
        for jump in ("-400d", "+400d", "-1h", "+1h"):
            strike = partial(_clocked, what, "+0", jump)
            yield Fault(f"clock: {what}, jumps by {jump}", strike, lacks=lacks, follows=_all(what))
        for wrong in ("-10000d", "+10000d"):
            strike = partial(_clocked, what, wrong, wrong)
            yield Fault(f"clock: {what}, wrong by {wrong}", strike, lacks=lacks, follows=_all(what))


def _all(what: str) -> tuple[str, ...]:
    return (*FOLLOWING, "serve") if what == "serve" else FOLLOWING


@contextmanager
def _server(fault: str) -> Iterator[str]:
    if fault == "gone":
        yield GONE
        return
    asked = threading.Event()
    with faulty_server(fault, asked) as url:  # type: ignore[arg-type]
        yield url
    if not asked.is_set():
        raise RuntimeError(f"nothing asked the server that {fault!r} was tried with: the script's arguments are wrong")


def _drawn_with(client: str, fault: str, home: Path, place: Path, chance: random.Random) -> Struck:
    with _server(fault) as url:
        more = [one.format(url) for one in CLIENTS[client]]
        more += ["--max-seconds", SECONDS.get(fault, "60"), "--home", str(home)]
        return Struck([run(["a red owl", *more], place / "struck-log")])


def _served_with(client: str, fault: str, home: Path, place: Path, chance: random.Random) -> Struck:
    """Ask a server of ours that asks one that fails: it has to answer, and to serve on."""
    with _server(fault) as url:
        more = [one.format(url) for one in CLIENTS[client]]
        server = Server(home, place / "struck-log", *more, "--max-seconds", SECONDS.get(fault, "60"))
        if not server.command.wait_for(UP):
            return Struck([server.end(signal.SIGKILL)])
        began = time.monotonic()
        unanswered = [server.ask() is None for _ in range(2)]
        hung = [Outcome(None, "no answer", time.monotonic() - began)] if any(unanswered) else []
        return Struck([*hung, is_fine(server.end(signal.SIGTERM))], server.answered)


def _added_to(fault: str, home: Path, place: Path, chance: random.Random) -> Struck:
    """Add pictures with a Chroma server; Ctrl-C ends what would take a minute."""
    with _server(fault) as url:
        command = Command([*arguments_of("add", home, place), "--chroma", url], place / "struck-log")
        if fault in ("hangs", "drips"):
            time.sleep(8)
            command.send(signal.SIGINT)
            return Struck([is_fine(command.wait(30))])
        return Struck([command.wait()])


def _limited(what: str, size: int, home: Path, place: Path, chance: random.Random) -> Struck:
    return Struck([run(arguments_of(what, home, place), place / "struck-log", Conditions(largest=size))])


def _on(
    what: str, disk: Disk, home: Path, place: Path, chance: random.Random, *, kill: bool = False, reads: bool = False
) -> Struck:
    """Run a command on a disk; what only reads has to work on one that is read-only."""
    conditions = Conditions(disk=Disk(home, disk.kind, disk.room, disk.traced))
    log, answered = place / "struck-log", []
    if what == "serve":
        server = Server(home, log, conditions=conditions)
        if server.command.wait_for(UP):
            for _ in range(1 if disk.kind == "traced" else 2):
                server.ask()
        answered = server.answered if disk.kind == "traced" else []  # elsewhere its database may be kept in memory
        outcome = server.end(signal.SIGKILL if kill else signal.SIGTERM, 60)
    else:
        command = Command(arguments_of(what, home, place), log, conditions)
        if kill:
            time.sleep(chance.uniform(0.5, 15))
            command.send(signal.SIGKILL)
        outcome = command.wait()
    if disk.kind == "small" and (after := home.with_name(LAID_ASIDE)).exists():
        shutil.rmtree(home)
        after.rename(home)
    return Struck([outcome if reads else is_fine(outcome)], answered)


def _clocked(what: str, wrong: str, jump: str, home: Path, place: Path, chance: random.Random) -> Struck:
    """Run a command by a clock that is wrong, or jumps while it works: nothing of it may depend on that."""
    clock = place / "clock"
    clock.write_text(wrong, encoding="ascii")
    conditions = Conditions(clock=clock)
    if what == "serve":
        server = Server(home, place / "struck-log", conditions=conditions)
        if server.command.wait_for(UP):
            server.ask()
            clock.write_text(jump, encoding="ascii")
            server.ask()
        return Struck([is_fine(server.end(signal.SIGTERM))], server.answered)
    command = Command(arguments_of(what, home, place), place / "struck-log", conditions)
    command.wait_for("drawing" if what == "draw" else "adding", 40)
    time.sleep(chance.uniform(0, 1))
    clock.write_text(jump, encoding="ascii")
    return Struck([command.wait()])
