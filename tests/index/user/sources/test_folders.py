"""Sources with odd names, or that can't be read just now: told in the report, with nothing lost and no traceback."""

import io
import json
import os
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user import ReadOptions, UserPictures
from imagerag.index.user.sources.folders import TEXT_BYTES
from imagerag.index.user.sources.tables import ParquetSource
from imagerag.index.user.sources.urls import UrlFetcher
from tests.index.user.test_store import put


@pytest.fixture
def own(tmp_path: Path) -> UserPictures:
    return UserPictures(tmp_path / "home", embedded_clip())


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
    put(tmp_path / "d" / "00000", "owl.png", "owl")
    put(tmp_path / "d" / "00001", "cat.png", "cat")
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
    png = put(folder, "owl.png", "owl").read_bytes()
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


@pytest.mark.parametrize("source", ["webdataset:~nobodyhere/*.tar", "hf-parquet:~nobodyhere/*.parquet"])
def test_patterns_in_a_home_that_is_not_known_are_one_line(source: str, own: UserPictures) -> None:
    with pytest.raises(UserError, match="home of somebody"):
        own.add([source])


def test_large_json_beside_a_picture_is_passed_over(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "d", "owl.png", "owl")
    large = json.dumps({"caption": "x", "embedding": "0" * TEXT_BYTES})
    (tmp_path / "d" / "owl.json").write_text(large, encoding="utf-8")
    outcome = own.add([tmp_path / "d"])
    assert (outcome.added, outcome.skipped) == (1, [])
    assert own.search(["an owl"], 1)[0][0].title == "owl"


def test_addresses_in_a_parquet_file_are_fetched_once_and_only_when_allowed(own: UserPictures, tmp_path: Path) -> None:
    png = put(tmp_path, "owl.png", "owl").read_bytes()
    url = "https://example.org/a.png"
    file = str(tmp_path / "laion.parquet")
    pq.write_table(pa.table({"URL": [url], "TEXT": ["my owl"]}), file)
    (refused,) = own.add([f"hf-parquet:{file}"], reading=ReadOptions()).skipped
    assert "--allow-urls" in refused["reason"]
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        return png

    source = ParquetSource(file, [file], fetched=UrlFetcher(tmp_path / "kept", True, fetch))
    assert own.add([source]).added == 1
    assert own.add([source]).unchanged == 1
    assert asked == [url]
    hit = own.search(["an owl"], 1)[0][0]
    assert (hit.title, hit.source) == ("my owl", url)
