"""The faults of the torture script: what strikes, and how what is damaged is mended by what the message says."""

import json
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.torture_commands import Command, Conditions, Outcome, run
from benchmarks.torture_serving import Server
from testing.torture_findings import FIRST

COMMANDS = ("draw", "add", "serve")
OF_EACH = ("draw", "add", "draw", "add", "serve")
"""Commands that are killed in turn: a server takes three times as long as the others."""
FOLLOWING = ("add", "draw", "verify")
"""Commands that follow a fault."""
AFTER = {"draw": ("draw",), "add": ("add", "verify"), "serve": ("serve",), "rebuild": ("rebuild", "verify")}
"""Those that follow where only one has been struck, by that one: what goes on with what it was writing."""
TRIES = 6
"""Of an ending at a random moment, which may come too late."""
DAMAGES = ("empty", "garbage", "cut", "flipped")


class Struck(NamedTuple):
    """What came of a fault: how its commands ended, and the ids of the images that a server has given out."""

    outcomes: list[Outcome]
    answered: Sequence[str] = ()


Strike = Callable[[Path, Path, random.Random], Struck]
"""Lets a fault strike a data directory, given a folder for logs and chance."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: ``GROUP: WHAT``, the same in every run.
        strike: lets it strike.
        file: what it damages, as a pattern in the data directory; empty if nothing.
        remedy: what its message says: ``move`` that file away, ``rebuild`` the index, or nothing, if the program has to
            go on by itself.
        lacks: what there is not here, so that it can't be tried.
        follows: the commands that come after it.
    """

    name: str
    strike: Strike
    file: str = ""
    remedy: str = ""
    lacks: str = ""
    follows: tuple[str, ...] = FOLLOWING

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

    @property
    def spares_threads(self) -> bool:
        """Whether it leaves the threads as they are."""
        return not self.file.startswith("threads.")


def kills(number: int) -> Iterator[Fault]:
    """Yield so many kills at random moments, of each command in turn."""
    for each in range(number):
        what = OF_EACH[each % len(OF_EACH)]
        yield Fault(f"kill: {what} {each}", partial(_ended, signal.SIGKILL, what), follows=AFTER[what])


def signals(number: int) -> Iterator[Fault]:
    """Yield so many signals at random moments for each command and signal, and one at each stage."""
    for each in range(number):
        for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for what in COMMANDS:
                strike = partial(_ended, kind, what)
                yield Fault(f"signal: {kind.name} {what} {each}", strike, follows=AFTER[what])
    for what, stages in STAGES.items():
        for stage in stages:
            for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
                name = stage.rpartition(":")[2]
                strike = partial(_ended_at, stage, kind, what)
                yield Fault(f"stage: {kind.name} {what} at {name}", strike, follows=AFTER[what])


STAGES = {
    "draw": (
        "imagerag.graphs.thread_saver:ThreadSaver.setup",
        "imagerag.graphs.thread_saver:ThreadSaver.put",
        "imagerag.graphs.thread_saver:ThreadSaver.put_writes",
        "imagerag.index.bundled.chroma:ChromaIndex.search",
        "imagerag.store.images:ImageStore.put",
        "imagerag.store.images:ImageStore.set_verdict",
        "os:fsync",
        "os:replace",
    ),
    "add": (
        "imagerag.index.user.ingest:Ingest.run",
        "imagerag.index.user.shards:Shards.write",
        "imagerag.index.user.vector_store:VectorStore.bring_up_to",
        "imagerag.index.user.vector_store:VectorStore._fill",
        "imagerag.index.user.fulltext:FullTextIndex.change",
        "imagerag.index.user.vector_store:VectorStore.close",
        "os:replace",
    ),
    "rebuild": (
        "imagerag.index.user.vector_store:VectorStore.start_anew",
        "imagerag.index.user.vector_store:VectorStore._fill",
        "imagerag.index.user.fulltext:FullTextIndex.change",
        "os:replace",
    ),
}
"""Functions on whose first call a signal strikes, by command."""


def damages() -> Iterator[Fault]:
    """Yield each kind of damage of each kind of file."""
    for file, remedy in (
        ("threads.sqlite", "move"),
        ("threads.sqlite-wal", ""),
        ("threads.sqlite-shm", ""),
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
    for file, remedy in (("doors.sqlite", "move"), ("doors.sqlite-wal", "")):
        for how in DAMAGES:
            strike = partial(_served_damaged, file, how)
            yield Fault(f"damage: {file} {how}", strike, file, remedy, follows=("serve",))
    for model, file in (
        ("clip", "open_clip_model.safetensors"),
        ("clip", "open_clip_config.json"),
        ("sd15", "unet/diffusion_pytorch_model.safetensors"),
        ("sd15", "vae/config.json"),
        ("sd15", "model_index.json"),
    ):
        for how in DAMAGES:
            yield Fault(f"weights: {model}/{file} {how}", partial(_damaged_weights, model, file, how))


def arguments_of(what: str, home: Path, place: Path) -> list[str]:
    """Return the arguments of a command."""
    if what == "draw":
        return ["a blue lobster", "--no-copy", "--thread", FIRST, "--max-generations", "2", "--home", str(home)]
    if what == "add":
        return ["index", "add", str(place / "more"), "--home", str(home)]
    return ["index", what, "--home", str(home)]


def is_fine(outcome: Outcome) -> Outcome:
    """Return an outcome in which to have been ended by a signal is no failure; it ends with the status there was."""
    ended = outcome.status is not None and (outcome.status < 0 or outcome.status in (129, 130, 143))
    return outcome._replace(status=0, output=f"{outcome.output} [{outcome.status}]") if ended else outcome


def _ended(number: signal.Signals, what: str, home: Path, place: Path, chance: random.Random) -> Struck:
    """End a command by a signal at a random moment of its run; a server while it draws.

    What has ended by itself before is begun again in a fresh copy, and it is known that it takes no longer than that.
    """
    longest = float(json.loads((place / "seconds.json").read_text(encoding="ascii"))[what])
    for _ in range(TRIES):
        moment = chance.uniform(0, longest)
        if what == "serve":
            server = Server(home, place / "struck-log")
            server.keep_asking()
            time.sleep(moment)
            return Struck([is_fine(server.end(number))], server.answered)
        command = Command(arguments_of(what, home, place), place / "struck-log")
        time.sleep(moment)
        if command.runs:
            command.send(number)
            return Struck([is_fine(command.wait())])
        longest = command.wait().seconds * 0.9
        shutil.rmtree(home)
        shutil.copytree(place / "template", home)
    raise SystemExit(f"{what} has ended {TRIES} times before it was struck")


def _ended_at(stage: str, number: signal.Signals, what: str, home: Path, place: Path, chance: random.Random) -> Struck:
    conditions = Conditions(stage=stage, number=number)
    return Struck([is_fine(run(arguments_of(what, home, place), place / "struck-log", conditions))])


def _damage(file: Path, how: str) -> None:
    content = file.read_bytes()
    half = len(content) // 2
    damaged = {
        "empty": b"",
        "garbage": b"garbage" * 1000,
        "cut": content[:half],
        "flipped": content[:half] + bytes(byte ^ 255 for byte in content[half:]),
    }
    file.write_bytes(damaged[how])


def _damaged(file: str, how: str, home: Path, place: Path, chance: random.Random) -> Struck:
    """Damage files, and run what reads them. A log of SQLite's is there only after a kill."""
    if file.endswith(("-wal", "-shm")):
        stage = Conditions(stage="imagerag.store.images:ImageStore.set_verdict", number=signal.SIGKILL)
        run(arguments_of("draw", home, place), place / "log", stage)
    for each in sorted(home.glob(file)):
        _damage(each, how)
    further = (
        ["index", "status"],
        ["search", "a cat"],
        ["make it blue", "--thread", FIRST, "--max-generations", "1", "--no-copy"],
        ["index", "verify"],
    )
    return Struck([run([*one, "--home", str(home)], place / "struck-log") for one in further])


def _served_damaged(file: str, how: str, home: Path, place: Path, chance: random.Random) -> Struck:
    """Damage the servers' database, and start one."""
    server = Server(home, place / "log")
    if server.command.wait_for("listening on "):
        server.ask()
    server.end(signal.SIGKILL)
    for each in sorted(home.glob(file)):
        _damage(each, how)
    server = Server(home, place / "struck-log")
    if server.command.wait_for("listening on "):
        server.ask()
    return Struck([is_fine(server.end(signal.SIGTERM))])


def _checkpoint(model: str, place: Path) -> Path:
    """Return the folder of a tiny model, which is made if it is not there yet."""
    from testing.tiny_clip import save_checkpoint
    from testing.tiny_models import save_sd15

    folder = place / model
    if not folder.exists():
        save_checkpoint(folder, 1) if model == "clip" else save_sd15(folder)
    return folder


def _damaged_weights(model: str, file: str, how: str, home: Path, place: Path, chance: random.Random) -> Struck:
    """Damage a model's file, and run what loads it."""
    folder = place / "damaged" / model
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_checkpoint(model, place), folder)
    _damage(folder / file, how)
    further: tuple[list[str], ...]
    if model == "clip":
        further = (
            ["index", "add", str(place / "more"), "--lookup-model", str(folder)],
            ["an owl", "--lookup-model", str(folder), "--max-generations", "1", "--no-copy"],
            ["an owl", "--critic", f"clip:{folder}", "--max-generations", "1", "--no-copy"],
        )
    else:
        further = (["an owl", "--generator", f"diffusers:{folder}", "--max-generations", "1", "--no-copy"],)
    outcomes = [run([*one, "--home", str(home)], place / "struck-log") for one in further]
    # Bits turned in numbers make others of them: nothing tells that but a checksum, which such a folder has not.
    loaded = how == "flipped" and all(outcome.status in (0, 2) and not outcome.told for outcome in outcomes)
    return Struck([outcome._replace(status=0) if loaded else outcome for outcome in outcomes])
