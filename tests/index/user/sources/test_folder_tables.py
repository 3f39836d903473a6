"""Tables that describe the pictures of a folder."""

import json
from pathlib import Path

from imagerag.index.user.sources.beside import Beside
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.folder_tables import REPORTED_ROWS, FolderTables


def folder(root: Path, *names: str) -> list[str]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return [str(root / name) for name in names]


def test_a_table_within_goes_before_one_around_it(tmp_path: Path) -> None:
    files = folder(tmp_path, "train/a.png", "train/b.png")
    outer, inner = tmp_path / "metadata.csv", tmp_path / "train" / "metadata.jsonl"
    outer.write_text("file_name,text\ntrain/a.png,far\ntrain/b.png,only\n")
    inner.write_text('{"file_name": "a.png", "text": "near"}')
    tables = FolderTables(files, [str(inner), str(outer)], [], Beside(Confined(tmp_path)))
    assert [tables.of(file)["caption"] for file in files] == ["near", "only"]
    assert tables.faults == []


def test_names_that_several_pictures_have_are_not_guessed(tmp_path: Path) -> None:
    files = folder(tmp_path, "x/a.png", "y/a.png", "y/b.png")
    other = tmp_path / "meta.json"
    other.write_text(
        json.dumps({"a": {"caption": "which?"}, "b": {"caption": "b"}, "c": {"caption": "none"}, "y/a": 7})
    )
    tables = FolderTables(files, [], [str(other)], Beside(Confined(tmp_path)))
    assert [dict(tables.of(file)) for file in files] == [{}, {}, {"caption": "b"}]
    assert [fault.problem.partition("names ")[2] for fault in tables.faults] == [
        "'a', but 2 pictures are called so; write their paths",
        "'c', which is not there",
        "'y/a', of which it says nothing",
    ]


def test_of_many_faults_the_first_are_told_one_by_one(tmp_path: Path) -> None:
    table = tmp_path / "metadata.csv"
    table.write_text("file_name\n" + "".join(f"{number}.png\n" for number in range(1000)))
    faults = FolderTables([], [str(table)], [], Beside(Confined(tmp_path))).faults
    assert len(faults) == REPORTED_ROWS + 1
    assert faults[-1].problem.startswith(f"{1000 - REPORTED_ROWS} more rows")


def test_a_list_in_json_is_a_table(tmp_path: Path) -> None:
    (file,) = folder(tmp_path, "a.png")
    other = tmp_path / "captions.json"
    other.write_text('[{"image": "a.png", "caption": "a cat"}, 7]')
    tables = FolderTables([file], [], [str(other)], Beside(Confined(tmp_path)))
    assert tables.of(file) == {"caption": "a cat"}
    assert [fault.problem for fault in tables.faults] == [f"row 2 of {str(other)!r}: no JSON object"]
