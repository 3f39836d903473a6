"""Chroma's collection is a copy: in a folder, or on a server."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user.maintenance import verify_user_index
from imagerag.index.user.store import UserPictures
from testing.user_pictures import save_picture


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real ``chroma run``, on a port that was free."""
    import socket
    import urllib.request

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--path", str(tmp_path / "served")]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow
def test_a_chroma_server_finds_what_the_folder_finds(server: str, own: UserPictures, tmp_path: Path) -> None:
    for concept in ("owl", "lobster", "cat"):
        save_picture(tmp_path / "p", f"{concept}.png", concept)
    own.add([tmp_path / "p"])
    there = UserPictures(tmp_path / "home", embedded_clip(), chroma=server)
    there.add([tmp_path / "p"])
    for text in ("an owl", "a lobster", "a cat"):
        mine, theirs = own.search([text], 3)[0], there.search([text], 3)[0]
        assert [hit.sha256 for hit in mine] == [hit.sha256 for hit in theirs]
        assert [hit.similarity for hit in mine] == pytest.approx([hit.similarity for hit in theirs], abs=1e-5)
    assert verify_user_index(tmp_path / "home", own.embedder.model_id, server)["problems"] == []
    (tmp_path / "p" / "owl.png").unlink()
    there.add([tmp_path / "p"])
    assert {hit.title for hit in there.search(["an owl"], 3)[0]} == {"lobster", "cat"}
    with pytest.raises(UserError, match="chroma run"):
        UserPictures(tmp_path / "home", embedded_clip(), chroma="http://127.0.0.1:9").add([tmp_path / "p"])


def test_chromas_files_are_a_copy_that_can_be_lost(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "a.png", "owl")
    own.add([tmp_path / "p"])
    own.close()
    for file in sorted(own.directory.rglob("*.sqlite3")):
        file.write_bytes(b"garbage")
    again = UserPictures(own.directory.parent, embedded_clip())
    assert again.search(["an owl"], 1)[0][0].title == "a"
