"""What adding must not lose, and what it must let go."""

import csv
import json
import os
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user import ReadOptions, UserPictures
from imagerag.index.user.sources.items import Item, Origin, Wanted
from tests.index.user.test_store import put

CONCEPTS = ("owl", "lobster", "cat", "kimono", "anchor", "bell")


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


def titles(own: UserPictures, words: str = "an owl", k: int = 9) -> set[str]:
    return {hit.title for hit in own.search([words], k)[0]}


def test_a_folder_does_not_remove_what_a_table_in_it_names(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    for concept in CONCEPTS[:2]:
        put(tmp_path / "d" / "hidden", f"{concept}.png", concept)
    (tmp_path / "d" / "list.jsonl").write_text(
        "".join(f'{{"path": "hidden/{concept}.png", "caption": "my {concept}"}}\n' for concept in CONCEPTS[:2])
    )
    assert own.add([f"jsonl:{tmp_path / 'd' / 'list.jsonl'}"]).added == 2
    own.add([tmp_path / "d"])
    assert own.add([f"jsonl:{tmp_path / 'd' / 'list.jsonl'}"]).unchanged == 2


def test_a_folder_that_is_gone_can_be_removed(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    file = put(tmp_path / "d", "owl.png", "owl")
    own.add([tmp_path / "d"])
    file.unlink()
    (tmp_path / "d").rmdir()
    assert own.add([tmp_path / "d"]).removed == 1
    assert titles(own) == set()


def test_a_failure_that_may_pass_removes_nothing(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    file = put(tmp_path / "d", "owl.png", "owl")
    own.add([Flaky(file)])
    outcome = own.add([Flaky(None)])
    assert (len(outcome.skipped), outcome.removed) == (1, 0)
    assert titles(own) == {"owl"}


def test_a_picture_that_is_none_any_more_is_removed_and_told(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    file = put(tmp_path / "d", "owl.png", "owl")
    own.add([tmp_path / "d"])
    file.write_bytes(b"no picture")
    outcome = own.add([tmp_path / "d"])
    assert (len(outcome.skipped), outcome.removed) == (1, 1)


def test_files_that_are_gone_leave_room_for_others(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    files = [put(tmp_path / "d", f"{concept}.png", concept) for concept in CONCEPTS]
    own.add([tmp_path / "d"])
    first = own.snapshot().value(0, "caption")
    for file in files:
        if file.stem != first and file.stem != "bell":
            file.unlink()
    assert len(own.search(["an owl"], 2)[0]) == 2


def test_copies_leave_room_for_others(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    owl = put(tmp_path / "d", "owl.png", "owl")
    for number in range(60):  # other bytes, the same look
        picture = Image.open(owl).convert("RGB")
        ImageDraw.Draw(picture).point((0, number % picture.height), (number, 0, 0))
        picture.save(tmp_path / "d" / f"owl {number}.png")
    for concept in CONCEPTS[1:]:
        put(tmp_path / "d", f"{concept}.png", concept)
    own.add([tmp_path / "d"])
    for how in ({"fold": True}, {"diverse": 0.5}):
        found = own.search(["an owl"], 4, **how)[0]  # type: ignore[arg-type]
        assert len(found) == 4
        assert len({hit.title.split()[0] for hit in found}) == 4


def test_skips_of_single_files_are_kept_while_others_are_added(tmp_path: Path) -> None:
    from imagerag.index.user import user_index_status

    own = UserPictures(tmp_path / "home", embedded_clip())
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "bad.png").write_bytes(b"x")
    own.add([tmp_path / "d" / "bad.png"], reading=ReadOptions())
    own.add([put(tmp_path / "d", "owl.png", "owl")])
    assert [Path(entry["path"]).name for entry in user_index_status(tmp_path / "home")["skipped"]] == ["bad.png"]


def test_a_damaged_archive_keeps_what_it_had(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    shard = tmp_path / "a.tar"
    with tarfile.open(shard, "w") as archive:
        for concept in CONCEPTS:
            archive.add(put(tmp_path / "d", f"{concept}.png", concept), f"{concept}.png")
    assert own.add([f"webdataset:{tmp_path}/*.tar"]).added == len(CONCEPTS)
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 3])
    outcome = own.add([f"webdataset:{tmp_path}/*.tar"])
    assert outcome.skipped
    assert outcome.removed == 0
    shard.write_bytes(whole)
    own.add([f"webdataset:{tmp_path}/*.tar"])
    assert len(own.snapshot()) == len(CONCEPTS)


def test_a_folder_that_can_t_be_looked_into_keeps_what_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    put(tmp_path / "d", "owl.png", "owl")
    put(tmp_path / "d" / "s", "cat.png", "cat")
    own.add([tmp_path / "d"])
    scan = os.scandir

    def refusing(path: str) -> object:  # whoever runs the tests may be allowed everything
        if str(path).endswith("/s"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    outcome = own.add([tmp_path / "d"])
    assert (outcome.unchanged, outcome.removed) == (1, 0)
    assert [entry["path"] for entry in outcome.skipped] == [str(tmp_path / "d" / "s")]


def test_nothing_beside_a_picture_or_in_a_table_ends_the_adding(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    for concept in CONCEPTS[:4]:
        put(tmp_path / "d", f"{concept}.png", concept)
    (tmp_path / "d" / "owl.json").write_text("[" * 100_000)
    (tmp_path / "d" / "lobster.json").write_text('{"caption": "half \\ud83d"}')
    (tmp_path / "d" / "cat.txt").write_text("a cat\n" + "x" * 5_000_000)
    outcome = own.add([tmp_path / "d"])
    assert (outcome.added, [Path(entry["path"]).name for entry in outcome.skipped]) == (3, ["owl.png"])
    rows = [
        {"path": "d/cat.png", "caption": "one\u2028line"},
        {"path": "\ud800.png"},
        {"path": "~old.png"},
        {"path": "d/kimono.png", "caption": "k" * 200_000},
    ]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))
    outcome = own.add([f"jsonl:{tmp_path / 'list.jsonl'}"])
    assert (outcome.added, len(outcome.skipped)) == (2, 2)
    with (tmp_path / "list.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["path", "caption"])
        table.writeheader()
        table.writerow({"path": "d/cat.png", "caption": "one\ntwo"})
        table.writerow({"path": "d/kimono.png", "caption": "k" * 200_000})
    outcome = own.add([f"csv:{tmp_path / 'list.csv'}"])
    assert (outcome.added, outcome.skipped) == (2, [])


@pytest.mark.parametrize("source", ["", "~nobodyhere/p"])
def test_a_source_that_is_none(source: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"source is empty|home of somebody"):
        UserPictures(tmp_path / "home", embedded_clip()).add([source])


def test_a_picture_that_a_parquet_file_names_may_change_by_itself(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    put(tmp_path, "a.png", "owl")
    pq.write_table(pa.table({"image": ["a.png"], "text": ["mine"]}), tmp_path / "t.parquet")
    assert own.add([f"hf-parquet:{tmp_path}/t.parquet"]).added == 1
    put(tmp_path, "a.png", "kimono")
    assert own.add([f"hf-parquet:{tmp_path}/t.parquet"]).added == 1
    assert own.add([f"hf-parquet:{tmp_path}/t.parquet"]).unchanged == 1
    assert len(own.search(["a kimono"], 1)[0]) == 1


def test_a_link_to_a_folder_is_told(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    put(tmp_path / "d", "owl.png", "owl")
    (tmp_path / "d" / "others").symlink_to(tmp_path)
    outcome = own.add([tmp_path / "d"])
    assert outcome.added == 1
    assert "is a link to a folder" in outcome.skipped[0]["reason"]
