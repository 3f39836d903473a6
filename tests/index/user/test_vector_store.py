"""Chroma's collection is a copy: in a folder, or on a server."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.doctor.connections import check_chroma
from imagerag.embedders.registry import embedded_clip
from imagerag.errors import FileError, UserError
from imagerag.index.base import SearchOptions
from imagerag.index.user.maintenance import verify_user_index
from imagerag.index.user.store import UserPictures
from imagerag.profiles import resolve
from imagerag.settings import Settings
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
    found = check_chroma(resolve(Settings(home=str(tmp_path), chroma=server)))
    assert [finding.status for finding in found] == ["ok"], "the doctor says so"
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


def damage(file: Path, how: str) -> None:
    content = file.read_bytes()
    half = len(content) // 2
    file.write_bytes({"empty": b"", "garbage": b"garbage" * 1000, "cut": content[:half]}[how])


@pytest.mark.slow
@pytest.mark.parametrize("how", ["empty", "garbage", "cut"])
@pytest.mark.parametrize("which", ["words-*.sqlite", "chroma-*/chroma.sqlite3"])
def test_a_damaged_copy_is_searched_without_and_made_anew_by_the_next_adding(
    own: UserPictures, tmp_path: Path, which: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    for concept in ("owl", "lobster"):
        save_picture(tmp_path / "p", f"{concept}.png", concept)
    own.add([tmp_path / "p"])
    own.close()
    [file] = own.directory.glob(which)
    damage(file, how)
    again = UserPictures(own.directory.parent, embedded_clip())
    fused = SearchOptions(fused=True)
    assert again.search(["an owl"], 1, fused)[0][0].title == "owl"
    assert how == "empty" or f"{file.name}' is damaged" in caplog.text
    again.close()
    save_picture(tmp_path / "p", "cat.png", "cat")
    again.add([tmp_path / "p"])
    assert verify_user_index(own.directory.parent, own.embedder.model_id)["problems"] == []
    again.close()


def test_a_full_disk_leaves_the_copy_and_names_chromas_file(own: UserPictures, tmp_path: Path) -> None:
    """The pictures are in their shard; the next adding brings the copy up to it."""
    from chromadb.api.models.Collection import Collection
    from chromadb.errors import InternalError

    save_picture(tmp_path / "p", "owl.png", "owl")
    own.add([tmp_path / "p"])
    [copy] = own.directory.glob("chroma-*")
    save_picture(tmp_path / "p", "cat.png", "cat")
    with pytest.MonkeyPatch.context() as patch:

        def full(*_: object, **__: object) -> None:
            raise InternalError("error returned from database: (code: 13) database or disk is full")

        patch.setattr(Collection, "upsert", full)
        with pytest.raises(FileError, match=r"chroma\.sqlite3' can't be used .*make room") as caught:
            own.add([tmp_path / "p"])
    assert caught.value.cause == "full"
    assert copy.is_dir(), "it is whole, and stays"
    own.close()
    again = UserPictures(own.directory.parent, embedded_clip())
    assert {hit.title for hit in again.search(["a cat"], 2)[0]} == {"owl", "cat"}
    assert again.add([tmp_path / "p"]).unchanged == 2
    assert verify_user_index(own.directory.parent, own.embedder.model_id)["problems"] == []


def test_folders_that_a_killed_writer_has_left_go_at_the_next_adding(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "owl.png", "owl")
    own.add([tmp_path / "p"])
    left = own.directory / "chroma-0123456789ab"
    left.mkdir()
    (left / "chroma.sqlite3").touch()
    own.add([tmp_path / "p"])
    assert not left.exists()
    assert len(list(own.directory.glob("chroma-*"))) == 1
    assert own.search(["an owl"], 1)[0][0].title == "owl"


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"\xff\xfe"])
def test_a_damaged_name_of_the_library_is_made_up_anew(own: UserPictures, tmp_path: Path, content: bytes) -> None:
    save_picture(tmp_path / "p", "owl.png", "owl")
    own.add([tmp_path / "p"])
    own.close()
    (own.directory / "library").write_bytes(content)
    again = UserPictures(own.directory.parent, embedded_clip())
    assert again.search(["an owl"], 1)[0][0].title == "owl"
    again.add([tmp_path / "p"])
    assert verify_user_index(own.directory.parent, own.embedder.model_id)["problems"] == []
    again.close()
