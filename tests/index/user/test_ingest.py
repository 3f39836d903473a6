"""Adding pictures: only what changed, nothing lost by a failure or a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from imagerag.assets.library import Library
from imagerag.embedders.registry import embedded_clip
from imagerag.index.base import SearchOptions
from imagerag.index.user.maintenance import user_index_status
from imagerag.index.user.sources.items import Item, Origin, Wanted
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.store import UserPictures
from testing.user_pictures import save_picture, titles

SIX_CONCEPTS = ("owl", "lobster", "cat", "kimono", "anchor", "bell")


class Flaky:
    """A source of one picture at an address, which can be reached at times."""

    name = "https://example.org/owl.png"

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def count(self) -> int:
        return 1

    def items(self, wanted: Wanted) -> list[Item]:  # type: ignore[override]
        if self.file is None:
            return [Item(self.name, Origin("url", self.name), licence="CC0-1.0", problem="no network")]
        return [Item(self.name, Origin("file", str(self.file)), caption="owl", size=1, mtime=1)]

    def owns(self, key: str) -> bool:
        return key == self.name


def test_a_failure_that_may_pass_removes_nothing(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    file = save_picture(tmp_path / "d", "owl.png", "owl")
    own.add([Flaky(file)])
    outcome = own.add([Flaky(None)])
    assert (len(outcome.skipped), outcome.removed) == (1, 0)
    assert titles(own) == {"owl"}


def test_a_picture_that_is_none_any_more_is_removed_and_told(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    file = save_picture(tmp_path / "d", "owl.png", "owl")
    own.add([tmp_path / "d"])
    file.write_bytes(b"no picture")
    outcome = own.add([tmp_path / "d"])
    assert (len(outcome.skipped), outcome.removed) == (1, 1)


@pytest.mark.slow
def test_files_that_are_gone_leave_room_for_others(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    files = [save_picture(tmp_path / "d", f"{concept}.png", concept) for concept in SIX_CONCEPTS]
    own.add([tmp_path / "d"])
    first = own.snapshot().value(0, "caption")
    for file in files:
        if file.stem != first and file.stem != "bell":
            file.unlink()
    assert len(own.search(["an owl"], 2)[0]) == 2


@pytest.mark.slow
def test_copies_leave_room_for_others(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    owl = save_picture(tmp_path / "d", "owl.png", "owl")
    for number in range(60):  # other bytes, the same look
        picture = Image.open(owl).convert("RGB")
        ImageDraw.Draw(picture).point((0, number % picture.height), (number, 0, 0))
        picture.save(tmp_path / "d" / f"owl {number}.png")
    for concept in SIX_CONCEPTS[1:]:
        save_picture(tmp_path / "d", f"{concept}.png", concept)
    own.add([tmp_path / "d"])
    for how in ({"fold": True}, {"diverse": 0.5}):
        found = own.search(["an owl"], 4, SearchOptions(**how))[0]  # type: ignore[arg-type]
        assert len(found) == 4
        assert len({hit.title.split()[0] for hit in found}) == 4


def test_skips_of_single_files_are_kept_while_others_are_added(tmp_path: Path) -> None:
    from imagerag.index.user.maintenance import user_index_status

    own = UserPictures(tmp_path / "home", embedded_clip())
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "bad.png").write_bytes(b"x")
    own.add([tmp_path / "d" / "bad.png"], reading=ReadOptions())
    own.add([save_picture(tmp_path / "d", "owl.png", "owl")])
    assert [Path(entry["path"]).name for entry in user_index_status(tmp_path / "home")["skipped"]] == ["bad.png"]


@pytest.mark.slow
def test_only_what_changed_is_done_again(own: UserPictures, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    save_picture(folder, "a.png", "owl")
    changing = save_picture(folder, "b.png", "lobster")
    going = save_picture(folder, "c.png", "cat")
    own.add([folder])
    assert own.add([folder]).unchanged == 3
    save_picture(folder, "b.png", "penguin")
    os.utime(changing, ns=(1, 1))
    going.unlink()
    outcome = own.add([folder])
    assert (outcome.added, outcome.unchanged, outcome.removed) == (1, 1, 1)
    assert {hit.title for hit in own.search(["a penguin"], 9)[0]} == {"a", "b"}
    assert own.search(["a penguin"], 1)[0][0].title == "b"


def test_single_files_are_taken_together(own: UserPictures, tmp_path: Path) -> None:
    files = [save_picture(tmp_path / "p", f"{concept}.png", concept) for concept in ("owl", "cat", "lobster")]
    assert own.add(files[:2]).added == 2
    assert len(list((own.directory / "shards").glob("*.parquet"))) == 1
    assert own.add(files).unchanged == 2
    assert own.add(files[2:]).removed == 0
    assert len(own.search(["anything"], 9)[0]) == 3


def test_what_is_no_picture_is_reported_with_its_reason(own: UserPictures, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    whole = save_picture(folder, "whole.png", "owl").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    (folder / "notes.md").write_text("no picture", encoding="utf-8")
    outcome = own.add([folder])
    assert outcome.added == 1
    assert {Path(entry["path"]).name for entry in outcome.skipped} == {"cut.png", "empty.jpg", "notes.md"}
    assert all(entry["reason"] for entry in outcome.skipped)


@pytest.mark.skipif(sys.platform == "win32", reason="names, pipes and links as POSIX has them")
def test_odd_files_are_reported_and_end_nothing(own: UserPictures, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    whole = save_picture(folder, "whole.png", "owl")
    target = save_picture(folder / ".originals", "target.png", "lobster")
    (folder / "link.png").symlink_to(target)
    with open(os.fsencode(folder) + b"/caf\xe9.png", "wb") as file:
        file.write(whole.read_bytes())
    os.mkfifo(folder / "pipe.png")
    first = own.add([folder])
    assert first.added == 2
    assert {Path(entry["path"]).name for entry in first.skipped} == {"pipe.png", "caf\\udce9.png"}
    json.dumps(first.skipped).encode("utf-8")
    target.unlink()
    second = own.add([folder])
    assert (second.added, second.unchanged) == (0, 1)
    assert "link.png" in {Path(entry["path"]).name for entry in second.skipped}
    assert {hit.title for hit in own.search(["anything"], 9)[0]} == {"whole"}


def test_a_licence_given_later_is_taken_over(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "a.png", "owl")
    own.add([tmp_path / "p"])
    assert own.add([tmp_path / "p"], reading=ReadOptions("CC0-1.0")).added == 1
    assert own.search(["an owl"], 1)[0][0].licence == "CC0-1.0"
    assert own.add([tmp_path / "p"]).unchanged == 1
    assert own.search(["an owl"], 1)[0][0].licence == "CC0-1.0"


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    concepts = list(Library().by_concept)[:150]
    for number, concept in enumerate(concepts):
        save_picture(tmp_path / "p", f"{number}.png", concept)
    command = [sys.executable, "-m", "imagerag", "index", "add", str(tmp_path / "p"), "--json"]
    home = tmp_path / "home"
    environment = {**os.environ, "IMAGERAG_HOME": str(home)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    shards = home / "own" / "shards"
    while process.poll() is None and not list(shards.glob("*.parquet")):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = user_index_status(home)["files"]
    assert isinstance(before, int)
    assert before >= 1
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    outcome = json.loads(done.stdout)
    assert outcome["unchanged"] == before
    assert outcome["added"] == 150 - before
    assert user_index_status(home)["files"] == 150
    own = UserPictures(home, embedded_clip())
    assert len(own.search(["anything"], 200)[0]) == user_index_status(home)["images"]


class Talkative(Flaky):
    """A package's source that bounds nothing."""

    def items(self, wanted: Wanted) -> list[Item]:  # type: ignore[override]
        taken = Item(self.name, Origin("file", str(self.file)), caption="owl " * 5000, size=1, mtime=1, note="is new")
        key = "k" * 5000
        return [taken, Item(key, Origin("file", key), problem="no\u2028picture " + "p" * 5000)]


def test_whatever_a_source_tells_rows_and_reports_stay_short(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    source = Talkative(save_picture(tmp_path / "d", "owl.png", "owl"))
    outcome = own.add([source])
    (skipped,), (noted,) = outcome.skipped, outcome.notes
    assert max(map(len, (*skipped.values(), *noted.values()))) <= 1000
    assert noted["note"].startswith("is new; has a caption of 20000 characters")
    assert own.snapshot().table.column("caption").to_pylist() == ["owl " * 125]
    assert own.add([source]).unchanged == 1
