"""Kinds of sources: each gives captions, licences and sources; anything else is refused in one line."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user.maintenance import user_index_status
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.store import UserPictures
from testing.user_pictures import found, pictures, write_tar


@pytest.mark.parametrize("source", ["", "~nobodyhere/p"])
def test_a_source_that_is_none(source: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"source is empty|home of somebody"):
        UserPictures(tmp_path / "home", embedded_clip()).add([source])


@pytest.mark.parametrize("source", ["webdataset:~nobodyhere/*.tar", "hf-parquet:~nobodyhere/*.parquet"])
def test_patterns_in_a_home_that_is_not_known_are_one_line(source: str, own: UserPictures) -> None:
    with pytest.raises(UserError, match="home of somebody"):
        own.add([source])


def tar_shards(folder: Path, data: dict[str, bytes]) -> list[str]:
    """Write WebDataset shards, with what img2dataset puts beside each picture."""
    for shard, (concept, png) in enumerate(data.items()):
        said = {"caption": f"my {concept}", "url": f"https://example.org/{concept}", "license": "CC0-1.0"}
        members = {
            f"{shard}.png": png,
            f"{shard}.txt": f"my {concept}".encode(),
            f"{shard}.json": json.dumps(said).encode(),
        }
        write_tar(folder / f"{shard:05d}.tar", members)
    return [f"webdataset:{folder}/*.tar"]


def img2dataset_files(folder: Path, data: dict[str, bytes]) -> list[str]:
    inside = folder / "00000"
    inside.mkdir(parents=True)
    for number, (concept, png) in enumerate(data.items()):
        said = {"caption": f"my {concept}", "url": f"https://example.org/{concept}", "license": "CC0-1.0"}
        (inside / f"{number:09d}.png").write_bytes(png)
        (inside / f"{number:09d}.json").write_text(json.dumps(said), encoding="utf-8")
    pq.write_table(pa.table({"url": ["https://example.org/owl"], "status": ["success"]}), folder / "00000.parquet")
    return [f"img2dataset:{folder}"]


def img2dataset_tars(folder: Path, data: dict[str, bytes]) -> list[str]:
    tar_shards(folder, data)
    pq.write_table(pa.table({"url": ["https://example.org/owl"], "status": ["success"]}), folder / "00000.parquet")
    return [f"img2dataset:{folder}"]


def parquet(folder: Path, data: dict[str, bytes], cells: list[object]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    columns = {
        "image": cells,
        "text": [f"my {concept}" for concept in data],
        "url": [f"https://example.org/{concept}" for concept in data],
        "license": ["CC0-1.0"] * len(data),
    }
    pq.write_table(pa.table(columns), folder / "0.parquet", row_group_size=2)
    return [f"hf-parquet:{folder}/*.parquet"]


def parquet_structs(folder: Path, data: dict[str, bytes]) -> list[str]:
    return parquet(folder, data, [{"bytes": png, "path": f"{concept}.png"} for concept, png in data.items()])


def parquet_bytes(folder: Path, data: dict[str, bytes]) -> list[str]:
    return parquet(folder, data, list(data.values()))


def parquet_paths(folder: Path, data: dict[str, bytes]) -> list[str]:
    return parquet(folder, data, [f"../pictures/{concept}.png" for concept in data])


def rows(data: dict[str, bytes]) -> list[dict[str, str]]:
    return [
        {
            "path": f"pictures/{concept}.png",
            "caption": f"my {concept}",
            "source": f"https://example.org/{concept}",
            "licence": "CC0-1.0",
        }
        for concept in data
    ]


def csv_manifest(folder: Path, data: dict[str, bytes]) -> list[str]:
    file = folder.parent / "list.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, ["path", "caption", "source", "licence"])
        writer.writeheader()
        writer.writerows(rows(data))
    return [f"csv:{file}"]


def jsonl_manifest(folder: Path, data: dict[str, bytes]) -> list[str]:
    file = folder.parent / "list.jsonl"
    file.write_text("\n".join(map(json.dumps, rows(data))), encoding="utf-8")
    return [f"jsonl:{file}"]


KINDS = (
    tar_shards,
    img2dataset_files,
    img2dataset_tars,
    parquet_structs,
    parquet_bytes,
    parquet_paths,
    csv_manifest,
    jsonl_manifest,
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_source_gives_captions_sources_and_licences(kind, own: UserPictures, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    data = pictures(tmp_path / "pictures")
    sources = kind(tmp_path / "shards", data)
    reading = ReadOptions(allow_outside=kind is parquet_paths)
    outcome = own.add(sources, reading=reading)
    assert (outcome.added, outcome.skipped) == (3, [])
    assert found(own, "an owl") == ("my owl", "https://example.org/owl", "CC0-1.0")
    assert found(own, "a lobster") == ("my lobster", "https://example.org/lobster", "CC0-1.0")
    again = own.add(sources, reading=reading)
    assert (again.added, again.unchanged, again.removed, again.skipped) == (0, 3, 0, [])
    assert list(user_index_status(tmp_path / "home")["sources"].values()) == [3]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("webdataset:nothing/*.tar", "no file matches"),
        ("hf-parquet:tests/__init__.py", "no Parquet"),
        ("img2dataset:nothing", "does not exist"),
        ("csv:nothing.csv", "does not exist"),
    ],
)
def test_what_is_no_such_source_is_one_line(source: str, says: str, own: UserPictures) -> None:
    with pytest.raises(UserError, match=says):
        own.add([source])


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("http://example.org/owl.png", "only https is fetched"),
        ("s3://bucket/owl.png", "'s3' addresses are not fetched"),
        ("a" * 5000, "does not exist"),
    ],
)
def test_sources_that_are_not_fetched_or_no_path_are_one_line(source: str, says: str, own: UserPictures) -> None:
    with pytest.raises(UserError, match=says):
        own.add([source])


@pytest.mark.slow
def test_addresses_of_files_and_in_capitals(own: UserPictures, tmp_path: Path) -> None:
    pictures(tmp_path / "my pictures")
    assert own.add([(tmp_path / "my pictures").as_uri()]).added == 3
    (skipped,) = own.add(["HTTPS://example.org/owl.png"]).skipped
    assert "--allow-urls" in skipped["reason"]
