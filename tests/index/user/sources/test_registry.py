"""Pictures from tar shards, tables and manifests: found with their captions, licences and sources, and read again."""

import asyncio
import csv
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpcore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user import ReadOptions, UserPictures, user_index_status
from imagerag.index.user.sources.urls import AddressSource, UrlFetcher
from imagerag.net.safe_fetch import fetch
from tests.index.user.test_store import put

CONCEPTS = ("owl", "lobster", "cat")


@pytest.fixture
def own(tmp_path: Path) -> UserPictures:
    return UserPictures(tmp_path / "home", embedded_clip())


def pictures(folder: Path) -> dict[str, bytes]:
    return {concept: put(folder, f"{concept}.png", concept).read_bytes() for concept in CONCEPTS}


def write_tar(file: Path, members: dict[str, bytes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def found(own: UserPictures, text: str) -> tuple[str, str, str]:
    hit = own.search([text], 1)[0][0]
    assert own.image(hit.sha256).size == (128, 128)
    return hit.title, hit.source, hit.licence


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


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_source_gives_captions_sources_and_licences(kind, own: UserPictures, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    data = pictures(tmp_path / "pictures")
    sources = kind(tmp_path / "shards", data)
    outcome = own.add(sources)
    assert (outcome.added, outcome.skipped) == (3, [])
    assert found(own, "an owl") == ("my owl", "https://example.org/owl", "CC0-1.0")
    assert found(own, "a lobster") == ("my lobster", "https://example.org/lobster", "CC0-1.0")
    again = own.add(sources)
    assert (again.added, again.unchanged, again.removed, again.skipped) == (0, 3, 0, [])
    assert list(user_index_status(tmp_path / "home")["sources"].values()) == [3]


def test_a_sample_that_left_its_shard_is_removed_and_nothing_else_is_embedded(
    own: UserPictures, tmp_path: Path
) -> None:
    data = pictures(tmp_path / "pictures")
    file = tmp_path / "s" / "0.tar"
    write_tar(file, {f"{concept}.png": png for concept, png in data.items()})
    source = [f"webdataset:{tmp_path}/s/*.tar"]
    own.add(source)
    write_tar(file, {f"{concept}.png": png for concept, png in data.items() if concept != "cat"})
    os.utime(file, ns=(1, 1))
    asked: list[int] = []
    embedder = own.embedder

    class Counting:
        model_id, dimension, embed_texts = embedder.model_id, embedder.dimension, embedder.embed_texts

        def embed_images(self, images):  # type: ignore[no-untyped-def]
            asked.append(len(images))
            return embedder.embed_images(images)

    outcome = UserPictures(tmp_path / "home", Counting()).add(source)
    assert (outcome.added, outcome.removed, sum(asked)) == (2, 1, 0)
    assert {hit.title for hit in own.search(["a cat"], 9)[0]} == {"owl", "lobster"}


def test_a_shard_that_breaks_off_is_reported_and_what_is_whole_is_kept(own: UserPictures, tmp_path: Path) -> None:
    data = pictures(tmp_path / "pictures")
    file = tmp_path / "0.tar"
    write_tar(file, {f"{concept}.png": png for concept, png in data.items()})
    whole = file.read_bytes()
    file.write_bytes(whole[: 512 + len(data["owl"]) // 512 * 512 + 512 + 700])
    outcome = own.add([f"webdataset:{file}"])
    assert outcome.added == 1
    assert outcome.skipped
    assert found(own, "an owl")[0] == "owl"


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


def test_rows_that_name_nothing_readable_are_reported(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path, "owl.png", "owl")
    lines = ['{"path": "owl.png"}', "{", "[1]", '{"caption": "x"}', '{"path": "gone.png"}', '{"path": "owl.png"}']
    (tmp_path / "list.jsonl").write_text("\n".join(lines), encoding="utf-8")
    outcome = own.add([f"jsonl:{tmp_path}/list.jsonl"])
    assert outcome.added == 1
    assert len(outcome.skipped) == 5
    assert all(entry["reason"] for entry in outcome.skipped)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web site on this machine with one picture."""
    put(tmp_path / "site", "my owl.png", "owl")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_addresses_are_fetched_once_and_only_when_allowed(own: UserPictures, site: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def fetch_here(url: str) -> bytes:
        asked.append(url)
        return asyncio.run(fetch(url, httpcore.AnyIOBackend()))

    url = f"{site}/my%20owl.png"
    source = AddressSource(url, "CC0-1.0", fetched=UrlFetcher(tmp_path / "kept", True, fetch_here))
    assert own.add([source]).added == 1
    assert own.add([source]).unchanged == 1
    assert asked == [url]
    assert found(own, "an owl") == ("my owl", url, "CC0-1.0")
    (refused,) = own.add(["https://example.org/a.png"]).skipped
    assert "--allow-urls" in refused["reason"]
    (private,) = own.add(["https://127.0.0.1/a.png"], reading=ReadOptions(allow_urls=True)).skipped
    assert "not a public address" in private["reason"]
    (tmp_path / "list.csv").write_text("url,caption\nhttps://example.org/b.png,b\n", encoding="utf-8")
    (row,) = own.add([f"csv:{tmp_path}/list.csv"]).skipped
    assert "--allow-urls" in row["reason"]
