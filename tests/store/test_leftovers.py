"""What killed processes were writing goes at the next write, and what live ones write stays."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagerag.store import leftovers
from imagerag.store.files import write_whole

KILLED = (
    "import os, signal, sys\nfrom pathlib import Path\nimport imagerag.store.files as files\n"
    "files.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
    "files.write_whole(Path(sys.argv[1]), b'half')\n"
)


@pytest.fixture(autouse=True)
def _first_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_swept", set())


def test_a_killed_writers_file_is_removed_by_the_next(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a")], check=False)
    left = list(tmp_path.iterdir())
    assert [file.name.startswith(leftovers.PREFIX) for file in left] == [True]
    write_whole(tmp_path / "b", b"whole")
    assert [file.name for file in tmp_path.iterdir()] == ["b"]


def test_what_others_may_still_be_writing_stays(tmp_path: Path) -> None:
    mine = tmp_path / f"{leftovers.PREFIX}{leftovers.begun_here()}-x"
    elsewhere = tmp_path / f"{leftovers.PREFIX}0badc0de-1-x"
    earlier, old = tmp_path / f"{leftovers.PREFIX}abcdefgh", tmp_path / f"{leftovers.PREFIX}stuvwxyz"
    for file in (mine, elsewhere, earlier, old):
        file.touch()
    long_ago = time.time() - leftovers.DAY - 60
    os.utime(old, (long_ago, long_ago))
    leftovers.sweep(tmp_path)
    assert set(tmp_path.iterdir()) == {mine, elsewhere, earlier}


def test_a_folder_is_looked_through_once(tmp_path: Path) -> None:
    leftovers.sweep(tmp_path)
    late = tmp_path / f"{leftovers.PREFIX}stuvwxyz"
    late.touch()
    os.utime(late, (0, 0))
    leftovers.sweep(tmp_path)
    assert late.exists()
