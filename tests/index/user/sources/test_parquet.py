"""Parquet, CSV and JSON Lines tables as sources."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user.sources.parquet import ParquetSource
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.sources.urls import UrlFetcher
from imagerag.index.user.store import UserPictures
from testing.user_pictures import found, pictures, save_picture


def test_a_picture_that_a_parquet_file_names_may_change_by_itself(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    save_picture(tmp_path, "a.png", "owl")
    pq.write_table(pa.table({"image": ["a.png"], "text": ["mine"]}), tmp_path / "t.parquet")
    assert own.add([f"hf-parquet:{tmp_path}/t.parquet"]).added == 1
    save_picture(tmp_path, "a.png", "kimono")
    assert own.add([f"hf-parquet:{tmp_path}/t.parquet"]).added == 1
    assert own.add([f"hf-parquet:{tmp_path}/t.parquet"]).unchanged == 1
    assert len(own.search(["a kimono"], 1)[0]) == 1


def test_addresses_in_a_parquet_file_are_fetched_once_and_only_when_allowed(own: UserPictures, tmp_path: Path) -> None:
    png = save_picture(tmp_path, "owl.png", "owl").read_bytes()
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


def test_a_named_column_is_the_caption(own: UserPictures, tmp_path: Path) -> None:
    data = pictures(tmp_path / "pictures")
    table = pa.table({"scan": list(data.values()), "what": ["Gerald", "Gisela", "Gustav"]})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(UserError, match=r"--image-column one of: scan, what"):
        own.add([f"hf-parquet:{tmp_path}/t.parquet"])
    with pytest.raises(UserError, match=r"no column 'text'"):
        own.add([f"hf-parquet:{tmp_path}/t.parquet"], reading=ReadOptions(image_column="scan", caption_column="text"))
    own.add([f"hf-parquet:{tmp_path}/t.parquet"], reading=ReadOptions(image_column="scan", caption_column="what"))
    assert found(own, "Gerald")[0] == "Gerald"


def test_rows_that_name_nothing_readable_are_reported(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path, "owl.png", "owl")
    lines = ['{"path": "owl.png"}', "{", "[1]", '{"caption": "x"}', '{"path": "gone.png"}', '{"path": "owl.png"}']
    (tmp_path / "list.jsonl").write_text("\n".join(lines), encoding="utf-8")
    outcome = own.add([f"jsonl:{tmp_path}/list.jsonl"])
    assert outcome.added == 1
    assert len(outcome.skipped) == 5
    assert all(entry["reason"] for entry in outcome.skipped)


def test_rows_with_several_pictures_are_read_again_only_when_one_has_changed(own: UserPictures, tmp_path: Path) -> None:
    data = list(pictures(tmp_path / "pictures").values())
    file = str(tmp_path / "t.parquet")
    cells = [
        [{"bytes": data[0], "path": None}, {"bytes": data[1], "path": "b.png"}],
        [],
        [{"bytes": data[2], "path": None}],
    ]
    pq.write_table(pa.table({"images": cells, "text": ["two", "none", "one"]}), file)
    source = ParquetSource(file, [file])
    assert source.count() >= 3
    items = list(source.items(lambda item: True))
    assert [item.data for item in items] == [data[0], data[1], None, data[2]]
    assert [item.key.partition("::")[2] for item in items] == ["0.0", "0.1", "1", "2.0"]
    again = list(source.items(lambda item: False))
    assert [item._replace(data=None) for item in items] == again
    assert [bool(item.problem) for item in again] == [False, False, True, False]


def test_the_reason_why_img2dataset_has_no_picture_is_told(own: UserPictures, tmp_path: Path) -> None:
    table = pa.table(
        {"jpg": pa.array([None], pa.binary()), "status": ["failed_to_download"], "error_message": ["HTTP 404"]}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    (skipped,) = own.add([f"hf-parquet:{tmp_path}/t.parquet"]).skipped
    assert skipped["reason"].endswith("has no picture (failed_to_download: HTTP 404)")
