"""Parquet, CSV and JSON Lines tables as sources."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user.sources import parquet
from imagerag.index.user.sources.items import Origin
from imagerag.index.user.sources.parquet import ParquetSource
from imagerag.index.user.sources.parquet_bounds import MOST_ROWS
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.sources.urls import UrlFetcher
from imagerag.index.user.store import UserPictures
from testing.user_pictures import found, pictures, save_picture


@pytest.mark.slow
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


def _a_large_value(folder: Path) -> str:
    table = pa.table({"image": pa.array([bytes(300 * 2**20)], pa.large_binary()), "text": ["an owl"]})
    pq.write_table(table, folder / "t.parquet", compression="zstd", use_dictionary=False)
    return "of its column 'image' unpack to"


def _a_large_caption(folder: Path) -> str:
    table = pa.table({"image": [b"x"], "text": pa.array(["x" * 300 * 2**20], pa.large_string())})
    pq.write_table(table, folder / "t.parquet", compression="zstd", use_dictionary=False)
    return "of its column 'text' unpack to"


def _a_large_picture_in_a_list(folder: Path) -> str:
    kind = pa.list_(pa.struct([("bytes", pa.large_binary()), ("path", pa.string())]))
    table = pa.table({"images": pa.array([[{"bytes": bytes(300 * 2**20), "path": None}]], kind)})
    pq.write_table(table, folder / "t.parquet", compression="zstd", use_dictionary=False)
    return "unpack to"


def _rows_without_end(folder: Path) -> str:
    many = MOST_ROWS + 1
    pq.write_table(pa.table({"image": pa.nulls(many, pa.binary())}), folder / "t.parquet", row_group_size=many)
    return f"has {many} rows; at most"


@pytest.mark.slow
@pytest.mark.parametrize("made", [_a_large_value, _a_large_caption, _a_large_picture_in_a_list, _rows_without_end])
def test_a_table_that_unpacks_to_gigabytes_is_reported_and_not_unpacked(
    made: Callable[[Path], str], tmp_path: Path
) -> None:
    says = made(tmp_path)
    file = str(tmp_path / "t.parquet")
    with pq.ParquetFile(file) as opened:
        column = opened.schema_arrow.names[0]
    before = pa.total_allocated_bytes()
    problems = [item.problem for item in ParquetSource(file, [file]).items(lambda item: True)]
    assert len(problems) == 1
    assert says in problems[0]
    if column == "image" and says.startswith("of its column 'image'"):
        with pytest.raises(UserError, match="unpack to"):
            parquet.read_cell(Origin("parquet", file, "image:0"))
    assert pa.total_allocated_bytes() - before < 2**20


@pytest.mark.slow
def test_a_value_that_all_rows_share_is_not_there_for_all_of_them_at_once(tmp_path: Path) -> None:
    large = bytes(range(256)) * 2**15
    table = pa.table({"image": pa.array([large] * 200, pa.binary()), "text": ["an owl"] * 200})
    file = str(tmp_path / "t.parquet")
    pq.write_table(table, file, use_dictionary=["image"], dictionary_pagesize_limit=2**30, compression="zstd")
    del table
    before, most = pa.total_allocated_bytes(), 0
    for item in ParquetSource(file, [file]).items(lambda item: True):
        assert item.data == large
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 300 * 2**20


def test_a_column_with_fewer_rows_than_there_are_pictures_is_reported_as_damage(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    table = pa.table({"image": [b"one", b"two", b"three"], "tags": [["a"], ["b"], ["c"]]})
    pq.write_table(table, file, compression="none", use_dictionary=False, write_statistics=False)
    whole = file.read_bytes()
    told = []
    for at in range(whole.index(b"three"), len(whole) - 8):
        if whole[at] == 6:  # 3, as a page's header writes how many values it has
            file.write_bytes(whole[:at] + b"\x02" + whole[at + 1 :])
            try:
                items = list(ParquetSource(str(file), [str(file)]).items(lambda item: True))
            except UserError:
                continue
            told += [item.problem for item in items if "rows beside them" in item.problem]
    assert told
    assert all("is damaged (its group 0 has 3 pictures, and " in problem for problem in told)
