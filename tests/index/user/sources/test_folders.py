"""Folders as sources: odd names, unreadable folders, links, files beside pictures."""

import csv
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user.sources.folders import TEXT_BYTES
from imagerag.index.user.store import UserPictures
from testing.user_pictures import save_picture

SIX_CONCEPTS = ("owl", "lobster", "cat", "kimono", "anchor", "bell")


def test_a_folder_does_not_remove_what_a_table_in_it_names(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    for concept in SIX_CONCEPTS[:2]:
        save_picture(tmp_path / "d" / "hidden", f"{concept}.png", concept)
    (tmp_path / "d" / "list.jsonl").write_text(
        "".join(f'{{"path": "hidden/{concept}.png", "caption": "my {concept}"}}\n' for concept in SIX_CONCEPTS[:2])
    )
    assert own.add([f"jsonl:{tmp_path / 'd' / 'list.jsonl'}"]).added == 2
    own.add([tmp_path / "d"])
    assert own.add([f"jsonl:{tmp_path / 'd' / 'list.jsonl'}"]).unchanged == 2


@pytest.mark.slow
def test_a_folder_that_can_t_be_looked_into_keeps_what_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    save_picture(tmp_path / "d", "owl.png", "owl")
    save_picture(tmp_path / "d" / "s", "cat.png", "cat")
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


@pytest.mark.slow
def test_nothing_beside_a_picture_or_in_a_table_ends_the_adding(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    for concept in SIX_CONCEPTS[:4]:
        save_picture(tmp_path / "d", f"{concept}.png", concept)
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


@pytest.mark.slow
def test_a_link_to_a_folder_is_told(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    save_picture(tmp_path / "d", "owl.png", "owl")
    (tmp_path / "d" / "others").symlink_to(tmp_path)
    outcome = own.add([tmp_path / "d"])
    assert outcome.added == 1
    assert "is a link to a folder" in outcome.skipped[0]["reason"]


def refuse(monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """Have one folder refuse to be listed: whoever runs the tests may be allowed everything."""
    scan = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith(ending):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)


def test_an_img2dataset_folder_that_can_t_be_looked_into_keeps_what_it_had(
    own: UserPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_picture(tmp_path / "d" / "00000", "owl.png", "owl")
    save_picture(tmp_path / "d" / "00001", "cat.png", "cat")
    assert own.add([f"img2dataset:{tmp_path}/d"]).added == 2
    refuse(monkeypatch, "/00001")
    outcome = own.add([f"img2dataset:{tmp_path}/d"])
    assert (outcome.unchanged, outcome.removed, len(outcome.skipped)) == (1, 0, 1)
    monkeypatch.undo()
    (tmp_path / "d" / "00001" / "cat.png").unlink()
    assert own.add([f"img2dataset:{tmp_path}/d"]).removed == 1


def test_names_that_are_not_utf_8_are_reported(
    own: UserPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "d"
    png = save_picture(folder, "owl.png", "owl").read_bytes()
    os.mkdir(os.path.join(os.fsencode(folder), b"shut\xff"))
    os.symlink(os.fsencode(tmp_path), os.path.join(os.fsencode(folder), b"link\xfe"))
    refuse(monkeypatch, os.fsdecode(b"shut\xff"))
    outcome = own.add([folder])
    assert (outcome.added, len(outcome.skipped)) == (1, 2)
    with tarfile.open(tmp_path / "0.tar", "w", errors="surrogateescape") as archive:
        member = tarfile.TarInfo("\udcff.png")
        member.size = len(png)
        archive.addfile(member, io.BytesIO(png))
    assert own.add([f"webdataset:{tmp_path}/0.tar"]).added == 1
    rows = '{"url": "https://example.org/\\ud800.png"}\n{"\\ud800": "x"}\n'
    (tmp_path / "list.jsonl").write_text(rows, encoding="utf-8")
    assert len(own.add([f"jsonl:{tmp_path}/list.jsonl"]).skipped) == 2
    table = os.path.join(os.fsencode(folder), b"\xff.csv")
    Path(os.fsdecode(table)).write_text("path\nowl.png\n", encoding="utf-8")
    with pytest.raises(UserError, match="not valid UTF-8"):
        own.add([f"csv:{os.fsdecode(table)}"])


def test_large_json_beside_a_picture_is_passed_over(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "d", "owl.png", "owl")
    large = json.dumps({"caption": "x", "embedding": "0" * TEXT_BYTES})
    (tmp_path / "d" / "owl.json").write_text(large, encoding="utf-8")
    outcome = own.add([tmp_path / "d"])
    assert (outcome.added, outcome.skipped) == (1, [])
    assert own.search(["an owl"], 1)[0][0].title == "owl"
