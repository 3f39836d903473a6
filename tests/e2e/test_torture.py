"""The torture script, in short: a kill, a signal at a stage, a server that is busy, a full disk, a damaged file."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from imagerag.index.user.shards import Shards
from imagerag.store.images import ImageStore
from imagerag.store.manifest import Manifest
from testing.torture_findings import SHORT, left_behind, look_at, told_images

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """Or a table of noughts would say nothing."""
    manifest = Manifest.new(prompt="an owl", seed=1, generator="patchwork", generator_revision="1")
    stored = ImageStore(tmp_path).put(Image.new("RGB", (8, 8)), manifest)
    shards = Shards(tmp_path / "own" / "shards")
    for key in ("/there.png", "/twice.png", "/twice.png"):
        shards.write("0" * 8, {"key": [key]})
    with closing(sqlite3.connect(tmp_path / "doors.sqlite")) as database, database:
        database.execute("CREATE TABLE entries (id, sha256)")
        database.executemany(
            "INSERT INTO entries VALUES (?, ?)", [("whole", stored.sha256), ("without pixels", "0" * 64)]
        )
    found = look_at(tmp_path, [Path("/there.png"), Path("/gone.png")], ["whole", "without pixels", "forgotten"])
    assert found.half == []
    assert found.doubled == ["row of /twice.png"]
    assert sorted(found.lost) == [
        "entry of the image forgotten that was given out",
        "pixels of the image without pixels that was given out",
        "row of /gone.png",
    ]
    assert left_behind(tmp_path) == []
    stored.path.write_bytes(stored.path.read_bytes()[:-20])
    (tmp_path / "own" / ".writing-1").touch()
    assert look_at(tmp_path, []).half == [f"{stored.path.name} is not whole"]
    assert left_behind(tmp_path) == [".writing-1"]
    assert told_images("image-1  drawn from words\nimage-1 scores 1\nimage-2  drawn from words\n") == 2


@pytest.mark.slow
def test_nothing_is_lost_doubled_hung_or_left_behind(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    command = [sys.executable, "-m", "benchmarks.torture", "--short", "--results", str(results)]
    first, again = (subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800) for _ in range(2))
    assert first.returncode == 0, first.stdout + first.stderr
    untried = first.stdout.count(": not tried, for want of ")
    assert len(results.read_text(encoding="utf-8").splitlines()) == len(SHORT) - untried
    assert again.stdout == first.stdout, "all are done: it only prints its table again"
