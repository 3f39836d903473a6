"""The faults of the torture script: what strikes, and how what is damaged is mended by what the message says."""

import json
import random
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.torture_commands import Command, Outcome, run
from testing import faulty_servers
from testing.faulty_servers import faulty_server

Strike = Callable[[Path, Path, random.Random], list[Outcome]]
"""Lets a fault strike a data directory, given a folder for logs and chance; returns how its commands ended."""

DRAWING, ADDING, SERVING = 6.0, 6.0, 8.0
"""Seconds from the first of which a command is done at most on a machine with two cores; a kill strikes before."""
DAMAGES = ("empty", "garbage", "cut", "flipped")


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: ``GROUP: WHAT``, the same in every run.
        strike: lets it strike.
        file: what it damages, as a pattern in the data directory; empty if nothing.
        remedy: what its message says: ``move`` that file away, ``rebuild`` the index, or nothing, if the program has to
            go on by itself.
    """

    name: str
    strike: Strike
    file: str = ""
    remedy: str = ""

    def mend(self, home: Path) -> None:
        """Do what the message has said."""
        if self.remedy == "move":
            for file in home.glob(self.file):
                file.unlink()
        elif self.remedy == "rebuild":
            run(["index", "rebuild", "--home", str(home)], home.parent / "log")

    def damaged(self, home: Path) -> set[str]:
        """Return the images that were damaged on purpose, which are no loss of the program's."""
        return {file.stem for file in home.glob(self.file)} if self.file.startswith("images/") else set()


def faults(repeats: int, *, short: bool) -> Iterator[Fault]:
    """Yield every fault, kills and faults of servers first; a few of each group where it is to be short."""
    if short:
        yield Fault("kill: add 0", partial(_ended, signal.SIGKILL, "add"))
        yield Fault("server: openai busy", partial(_drawn_with, "openai:m@{0}/v1", "busy"))
        yield Fault("damage: own/words-*.sqlite garbage", partial(_damaged, "own/words-*.sqlite", "garbage"))
        return
    for number in range(repeats):
        for what in ("draw", "add", "serve"):
            yield Fault(f"kill: {what} {number}", partial(_ended, signal.SIGKILL, what))
    for fault in ("gone", *faulty_servers.FAULTS):
        for name in ("openai:m@{0}/v1", "comfyui:{0}"):
            yield Fault(f"server: {name.partition(':')[0]} {fault}", partial(_drawn_with, name, fault))
        yield Fault(f"server: chat model {fault}", partial(_decided_by, fault))
        yield Fault(f"server: chroma {fault}", partial(_added_to, fault))
    for number in range(max(repeats // 4, 1)):
        for kind in (signal.SIGINT, signal.SIGTERM):
            for what in ("draw", "add", "serve"):
                yield Fault(f"signal: {kind.name} {what} {number}", partial(_ended, kind, what))
    for what in ("draw", "add"):
        for size in (100, 5_000, 20_000, 60_000, 140_000, 300_000):
            yield Fault(f"full disk: {what} {size}", partial(_full, what, size))
    for file, remedy in (
        ("threads.sqlite", "move"),
        ("own/words-*.sqlite", ""),
        ("own/chroma-*/chroma.sqlite3", ""),
        ("own/shards/*.parquet", "move"),
        ("own/applied-*.json", ""),
        ("own/calibration-*.json", "move"),
        ("own/skipped.json", ""),
        ("own/library", ""),
        ("index/current.json", "rebuild"),
        ("index/chroma-*/chroma.sqlite3", "rebuild"),
        ("library/*/*.png", ""),
        ("images/*/*.png", "move"),
    ):
        for how in DAMAGES:
            yield Fault(f"damage: {file} {how}", partial(_damaged, file, how), file, remedy)


def _arguments(what: str, home: Path, place: Path) -> list[str]:
    if what == "draw":
        return ["a blue lobster", "--thread", "struck", "--max-generations", "3", "--home", str(home)]
    if what == "add":
        return ["index", "add", str(place / "more"), "--home", str(home)]
    return ["serve", "--port", "0", "--home", str(home)]


def _ended(number: signal.Signals, what: str, home: Path, place: Path, chance: random.Random) -> list[Outcome]:
    """End a command by a signal at a random moment; a server while it draws."""
    command = Command(_arguments(what, home, place), place / "log")
    if what == "serve":
        _ask(command, chance)
    else:
        time.sleep(chance.uniform(0, DRAWING if what == "draw" else ADDING))
    command.send(number)
    outcome = command.wait(15)
    ended = outcome.status is not None and outcome.status < 0
    # Ctrl-C tells in a line that nothing was made, or what was kept; it is no failure.
    return [outcome._replace(status=0) if ended or outcome.status == 130 else outcome]


def _ask(command: Command, chance: random.Random) -> None:
    """Ask a server for an image, and leave it alone with that for a while."""
    until = time.monotonic() + 30
    while "listening on " not in command.output and time.monotonic() < until:
        time.sleep(0.05)
    address = command.output.partition("listening on ")[2].partition(",")[0].partition(";")[0].strip()
    if not address:
        return
    address = address.partition("/v1")[0].rstrip("/") + "/v1/images/generations"
    body = json.dumps({"prompt": "a blue lobster"}).encode()
    asked = urllib.request.Request(address, body, {"content-type": "application/json"})
    with suppress(OSError):
        urllib.request.urlopen(asked, timeout=chance.uniform(0.05, SERVING)).close()


def _drawn_with(name: str, fault: str, home: Path, place: Path, chance: random.Random) -> list[Outcome]:
    return _with_server(fault, lambda url: ["a red owl", "--generator", name.format(url)], home, place)


def _decided_by(fault: str, home: Path, place: Path, chance: random.Random) -> list[Outcome]:
    return _with_server(fault, lambda url: ["a red owl", "--vlm", f"openai:m@{url}/v1"], home, place)


def _with_server(fault: str, command: Callable[[str], list[str]], home: Path, place: Path) -> list[Outcome]:
    rest = ["--max-seconds", "3", "--home", str(home)]
    if fault == "gone":
        return [run([*command("http://127.0.0.1:9"), *rest], place / "log")]
    with faulty_server(fault) as url:  # type: ignore[arg-type]
        return [run([*command(url), *rest], place / "log")]


def _added_to(fault: str, home: Path, place: Path, chance: random.Random) -> list[Outcome]:
    """Add pictures with a Chroma server; Ctrl-C ends what would take a minute."""
    arguments = [*_arguments("add", home, place), "--chroma"]
    if fault == "gone":
        return [run([*arguments, "http://127.0.0.1:9"], place / "log")]
    with faulty_server(fault) as url:  # type: ignore[arg-type]
        command = Command([*arguments, url], place / "log")
        if fault in ("hangs", "drips"):
            time.sleep(8)
            command.send(signal.SIGINT)
            outcome = command.wait(5)
            return [outcome._replace(status=0) if outcome.status == 130 else outcome]
        return [command.wait()]


def _full(what: str, size: int, home: Path, place: Path, chance: random.Random) -> list[Outcome]:
    return [run(_arguments(what, home, place), place / "full-log", largest=max(size, 100))]


def _damaged(file: str, how: str, home: Path, place: Path, chance: random.Random) -> list[Outcome]:
    """Damage files, and run what reads them."""
    for each in sorted(home.glob(file)):
        content = each.read_bytes()
        half = len(content) // 2
        each.write_bytes(
            {
                "empty": b"",
                "garbage": b"garbage" * 1000,
                "cut": content[:half],
                "flipped": content[:half] + bytes(byte ^ 255 for byte in content[half:]),
            }[how]
        )
    return [
        run(["index", "status", "--home", str(home)], place / "log"),
        run(["search", "a cat", "--home", str(home)], place / "log"),
        run(["make it blue", "--thread", "first", "--max-generations", "1", "--home", str(home)], place / "log"),
        run(["index", "verify", "--home", str(home)], place / "log"),
    ]
