"""What of a data directory can go, and what never does."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import openai
import pytest
from PIL import Image

from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.thread_lock import holding, log_note
from imagerag.server.cleaning import find_garbage, remove_garbage
from imagerag.server.run import RunRequest
from imagerag.server.thread_history import LOCAL
from imagerag.store.images import ImageStore
from testing.openai_requests import square
from testing.servers import Served, scripted_service

YEAR = 365 * 86_400.0


def made_old(home: Path) -> None:
    """Let all images look as if they were a year old."""
    for file in (home / "images").rglob("*.png"):
        os.utime(file, (time.time() - YEAR, time.time() - YEAR))


def drawn(home: Path, thread: str, client: str = LOCAL) -> set[Path]:
    """Draw in a thread, and return the images that are there since then."""
    before = {*(home / "images").rglob("*.png")}
    service = scripted_service(home)
    try:
        run = service.create(client, RunRequest(f"an owl of {thread}", thread=thread, seed=hash(thread) % 1000))
        assert run.wait(60)
        assert run.error is None
    finally:
        service.close()
    return {*(home / "images").rglob("*.png")} - before


@contextmanager
def year_later(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    now = time.time() + YEAR
    with monkeypatch.context() as patched:
        patched.setattr("imagerag.server.cleaning.time.time", lambda: now)
        yield


@pytest.mark.slow
@pytest.mark.parametrize("client", [LOCAL, "client-1"])
def test_what_a_conversation_refers_to_stays_and_what_nothing_does_goes(tmp_path: Path, client: str) -> None:
    kept = drawn(tmp_path, "sea", client)
    loose = ImageStore(tmp_path).put_user_image(Image.new("RGB", (16, 16), "white")).path
    assert kept
    made_old(tmp_path)
    told = find_garbage(tmp_path)
    assert (told.images, told.threads) == ([loose], [])
    assert loose.exists(), "finding changes nothing"
    assert told.bytes == loose.stat().st_size
    assert remove_garbage(tmp_path).images == [loose]
    assert not loose.exists()
    assert all(path.exists() for path in kept)
    assert find_garbage(tmp_path).images == []


@pytest.mark.slow
def test_an_old_conversation_goes_with_what_only_it_refers_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = drawn(tmp_path, "sea", "client-1")
    with year_later(monkeypatch):
        drawn(tmp_path, "unused")
    made_old(tmp_path)
    assert find_garbage(tmp_path, older_than=30).threads == []
    with year_later(monkeypatch):
        told = find_garbage(tmp_path, older_than=30, grace=YEAR / 2)
        assert {*told.threads} == {"client-1/sea", "unused"}
        gone = remove_garbage(tmp_path, older_than=30, grace=YEAR / 2)
    assert {*gone.images} >= old
    assert not any(path.exists() for path in old)
    service = scripted_service(tmp_path)
    try:
        assert service.threads.state("client-1", "sea") == {}
        assert service.database.told("client-1", "sea") == {}
    finally:
        service.close()


@pytest.mark.slow
def test_a_conversation_that_is_gone_on_with_right_now_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = drawn(tmp_path, "sea")
    made_old(tmp_path)
    with (
        year_later(monkeypatch),
        holding(tmp_path, "sea", lambda: 0.0, lambda: None, log_note),
        monkeypatch.context() as elsewhere,
    ):
        elsewhere.setattr("imagerag.graphs.thread_lock.is_held", lambda home, thread: False)
        kept = remove_garbage(tmp_path, older_than=1)
    assert kept.threads == []
    assert kept.notes == ["thread 'sea' stays: a run of it is under way"]
    assert all(path.exists() for path in images)


@pytest.mark.slow
def test_checkpoints_that_an_earlier_version_kept_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("imagerag.graphs.thread_saver.ThreadSaver.drop_superseded", lambda saver, thread: 0)
        drawn(tmp_path, "sea")
    assert remove_garbage(tmp_path).checkpoints > 0
    with open_checkpointer(tmp_path) as saver:
        assert len(list(saver.list({"configurable": {"thread_id": "sea"}}))) == 1


@pytest.mark.slow
def test_a_deleted_file_is_gone_from_the_disk_unless_something_refers_to_it(serve: Callable[..., Served]) -> None:
    server = serve()
    client = server.client()
    store = server.service.store

    def pictures() -> set[Path]:
        return {*(store.root / "images").rglob("*.png")}

    alone = client.files.create(file=("a.png", square("red")), purpose="vision")
    (picture,) = pictures()
    again = client.files.create(file=("b.png", square("red")), purpose="vision")
    assert client.files.delete(alone.id).deleted
    assert picture.exists(), "the other file has the same picture"
    assert client.files.delete(again.id).deleted
    assert not picture.exists()
    used = client.files.create(file=("c.png", square("blue")), purpose="vision")
    (picture,) = pictures()
    parts = [{"type": "text", "text": "my badge on a cake"}, {"type": "file", "file": {"file_id": used.id}}]
    client.chat.completions.create(model="imagerag", messages=[{"role": "user", "content": parts}])  # type: ignore[list-item,misc]
    assert client.files.delete(used.id).deleted
    assert picture.exists(), "a conversation has it"
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(used.id)


def test_an_empty_data_directory_has_none(tmp_path: Path) -> None:
    garbage = find_garbage(tmp_path)
    assert (garbage.images, garbage.leftovers, garbage.threads, garbage.bytes) == ([], [], [], 0)


def test_a_deletion_uses_the_files_that_the_service_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = scripted_service(tmp_path)
    try:
        run = service.create(LOCAL, RunRequest("an owl", thread="sea"))
        assert run.wait(60)
        assert run.output is not None
        drawn_one = next(iter(service.enter(run, run.output["images"]).values()))
        stored = service.store.put_user_image(Image.new("RGB", (16, 16), "white"))
        loose = service.database.upload(LOCAL, "a.png", stored.sha256)

        def refuse(*given: object, **named: object) -> None:
            raise AssertionError("a file was opened anew")

        monkeypatch.setattr("imagerag.store.sqlite.sqlite3.connect", refuse)
        service.forget(loose)
        service.forget(drawn_one)
        assert not stored.path.exists()
        assert service.store.path(drawn_one.sha256).exists(), "the conversation refers to it"
    finally:
        service.close()


@pytest.mark.slow
def test_a_removed_picture_of_ones_own_is_gone_with_its_copy(tmp_path: Path) -> None:
    """A look-up leaves a copy, whether or not anything was drawn with it."""
    from imagerag.embedders.registry import embedded_clip
    from imagerag.index.user.removal import remove_pictures
    from imagerag.index.user.store import UserPictures
    from testing.user_pictures import save_picture

    save_picture(tmp_path / "p", "owl.png", "owl")
    home = tmp_path / "home"
    own = UserPictures(home, embedded_clip())
    own.add([tmp_path / "p"])
    ((hit, *_),) = own.search(["owl"], 1)
    own.close()
    assert hit.path.is_file()
    remove_pictures(home, None)
    os.utime(hit.path, (1.0, 1.0))
    assert remove_garbage(home).images == [hit.path]
    assert not hit.path.exists()
