"""Tar archives as sources."""

import os
import tarfile
from pathlib import Path

import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user.sources.paths import matching
from imagerag.index.user.store import UserPictures
from testing.user_pictures import found, pictures, save_picture, write_tar

SIX_CONCEPTS = ("owl", "lobster", "cat", "kimono", "anchor", "bell")


@pytest.mark.slow
def test_a_damaged_archive_keeps_what_it_had(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    shard = tmp_path / "a.tar"
    with tarfile.open(shard, "w") as archive:
        for concept in SIX_CONCEPTS:
            archive.add(save_picture(tmp_path / "d", f"{concept}.png", concept), f"{concept}.png")
    assert own.add([f"webdataset:{tmp_path}/*.tar"]).added == len(SIX_CONCEPTS)
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 3])
    outcome = own.add([f"webdataset:{tmp_path}/*.tar"])
    assert outcome.skipped
    assert outcome.removed == 0
    shard.write_bytes(whole)
    own.add([f"webdataset:{tmp_path}/*.tar"])
    assert len(own.snapshot()) == len(SIX_CONCEPTS)


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_a_pattern_gives_its_files_in_order_and_one_without_any_is_refused(tmp_path: Path) -> None:
    for name in ("b.tar", "a.tar", "c.zip"):
        (tmp_path / name).touch()
    pattern, files = matching(f"{tmp_path}/*.tar", "webdataset", "tar")
    assert (Path(pattern).name, [Path(file).name for file in files]) == ("*.tar", ["a.tar", "b.tar"])
    assert matching(f"{tmp_path}/a.tar", "webdataset", "tar")[1] == [str(tmp_path / "a.tar")]
    with pytest.raises(UserError, match=r"no file matches .*give the webdataset files, as in webdataset:"):
        matching(f"{tmp_path}/*.gz", "webdataset", "tar")
