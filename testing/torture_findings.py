"""What the torture script finds in a data directory: what is lost, doubled, half-written or left behind in it."""

import re
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

FIRST = "first"
"""The thread that there is before a fault, and that is gone on with."""

SHORT = (
    "kill: add 1",
    "stage: SIGTERM draw at ThreadSaver.put",
    "dependency: image server busy",
    "full disk: add, 40 KiB left",
    "damage: own/words-*.sqlite garbage",
)
"""What ``--short`` tries: one fault of several groups."""


class Kept(NamedTuple):
    """What a data directory keeps.

    Attributes:
        images: addresses of the images in the store.
        records: ids of the images of the thread ``FIRST``.
        turns: of that thread.
    """

    images: set[str]
    records: list[str]
    turns: int


@dataclass
class Findings:
    """What is wrong with a data directory, in words by kind."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)


def kept_in(home: Path) -> Kept:
    """Return what a data directory keeps."""
    values = _threads(home).get(FIRST, {})
    records = [record["id"] for record in values.get("all_images", [])]
    return Kept({file.stem for file in home.glob("images/*/*.png")}, records, values.get("turn", 0))


def told_images(output: str) -> int:
    """Return how many images a run has told of."""
    return len(set(re.findall(r"^image-\d+(?=  drawn)", output, re.MULTILINE)))


def look_at(
    home: Path, pictures: Sequence[Path], answered: Sequence[str] = (), spared: Collection[str] = ()
) -> Findings:
    """Look at all that a data directory holds once a command has run to its end in it.

    Args:
        home: the data directory.
        pictures: own ones, each of which has to be there once.
        answered: ids of images that a server has given out.
        spared: digests of images that were damaged on purpose.
    """
    found = Findings()
    _look_at_images(home, found)
    _look_at_databases(home, found)
    _look_at_threads(home, found, spared)
    _look_at_shards(home, {str(file) for file in pictures}, found)
    if answered:
        _look_at_answers(home, answered, found)
    return found


def left_behind(home: Path) -> list[str]:
    """Return what no command should leave once another has come after it: half-written files, folders nobody names."""
    own = home / "own"
    named = " ".join(file.read_text(encoding="utf-8") for file in own.glob("applied-*.json"))
    folders = [folder.name for folder in own.glob("chroma-*") if folder.name not in named]
    return folders + [file.name for place in (own, own / "shards", home) for file in place.glob(".writing-*")]


def _look_at_images(home: Path, found: Findings) -> None:
    from imagerag.errors import UserError
    from imagerag.store.manifest import read_manifest
    from imagerag.store.png import is_whole_png

    for file in home.glob("images/*/*.png"):
        if not is_whole_png(file):
            found.half.append(f"{file.name} is not whole")
            continue
        try:
            read_manifest(file)
        except UserError as error:
            found.lost.append(f"manifest of {file.name}: {error}")


def _look_at_databases(home: Path, found: Findings) -> None:
    for file in [*home.glob("*.sqlite"), *home.glob("own/*.sqlite")]:
        with closing(sqlite3.connect(file)) as database:
            verdict = database.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            found.half.append(f"{file.name}: {verdict}")


def _threads(home: Path) -> dict[str, Any]:
    """Return the state of each thread by its name."""
    from imagerag.graphs.agent_graph import build_graph
    from imagerag.graphs.checkpointer import open_checkpointer

    if not (home / "threads.sqlite").exists():
        return {}
    with open_checkpointer(home) as saver:
        graph = build_graph(checkpointer=saver)
        names = {kept.config["configurable"]["thread_id"] for kept in saver.list(None)}
        return {name: graph.get_state({"configurable": {"thread_id": name}}).values for name in names}


def _look_at_threads(home: Path, found: Findings, spared: Collection[str]) -> None:
    from imagerag.store.images import ImageStore

    store = ImageStore(home)
    for thread, values in _threads(home).items():
        records = values.get("all_images", [])
        names = [record["id"] for record in records]
        found.doubled.extend(f"{thread}: {name}" for name in {name for name in names if names.count(name) > 1})
        for record in records:
            place = f"{thread}: {{}} of {record['id']}"
            if record["sha256"] in spared:
                continue
            if record["sha256"] not in store:
                found.lost.append(place.format("pixels"))
                continue
            verdict = store.manifest(record["sha256"]).verdict
            if record["verdict"] is not None and verdict != dict(record["verdict"]):
                found.lost.append(place.format("verdict"))
        drawn = sum(record["turn"] == values["turn"] for record in records)
        if drawn > values.get("spent", {}).get("generations", drawn):
            found.doubled.append(f"{thread}: {drawn} images of {values['spent']['generations']} generations")


def _look_at_shards(home: Path, pictures: set[str], found: Findings) -> None:
    from imagerag.errors import UserError
    from imagerag.index.user.shards import GONE, Shards

    shards = Shards(home / "own" / "shards")
    rows: list[tuple[str, str]] = []  # of a model, and the key: each model has rows of its own
    try:
        for shard in shards.live():
            if shard.tag != GONE:
                rows += [(shard.tag, key) for key in shards.read(shard, ["key"]).column("key").to_pylist()]
    except UserError as error:
        found.half.append(str(error))
    found.doubled.extend(f"row of {key}" for tag, key in set(rows) if rows.count((tag, key)) > 1)
    found.lost.extend(f"row of {key}" for key in pictures - {key for _, key in rows})


def _look_at_answers(home: Path, answered: Sequence[str], found: Findings) -> None:
    with closing(sqlite3.connect(home / "doors.sqlite")) as database:
        there = dict(database.execute("SELECT id, sha256 FROM entries").fetchall())
    for name in answered:
        if name not in there:
            found.lost.append(f"entry of the image {name} that was given out")
        elif not (home / "images" / there[name][:2] / f"{there[name]}.png").exists():
            found.lost.append(f"pixels of the image {name} that was given out")
