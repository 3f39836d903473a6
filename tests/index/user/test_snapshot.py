"""A reader's snapshot: follows other processes, changes no file."""

import subprocess
import sys
from pathlib import Path

import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.index.user.store import UserPictures
from testing.user_pictures import save_picture


@pytest.mark.slow
def test_a_reader_sees_what_another_process_adds(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "owl.png", "owl")
    own.add([tmp_path / "p"])
    assert len(own.search(["a bird"], 9)[0]) == 1
    save_picture(tmp_path / "p", "cat.png", "cat")
    save_picture(tmp_path / "p", "lobster.png", "lobster")
    command = [sys.executable, "-m", "imagerag", "index", "add", str(tmp_path / "p"), "--home", str(tmp_path / "home")]
    subprocess.run(command, check=True, capture_output=True)
    assert {hit.title for hit in own.search(["a bird"], 9)[0]} == {"owl", "cat", "lobster"}


def test_a_search_changes_no_file(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "owl.png", "owl")
    own.add([tmp_path / "p"])
    own.search(["an owl"], 1)
    own.close()
    for file in own.directory.glob("applied-*.json"):
        file.unlink()  # as after a kill between shard and Chroma

    def there() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in own.directory.rglob("*") if path.is_file()}

    before = there()
    reader = UserPictures(tmp_path / "home", embedded_clip())
    assert reader.search(["an owl"], 1)[0][0].title == "owl"
    assert there() == before
