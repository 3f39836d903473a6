"""Damage to the bundled index is noticed, reported and repaired."""

import json
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from imagerag.assets.library import Library
from imagerag.errors import UserError
from imagerag.index.bundled.chroma import ChromaIndex, index_status
from imagerag.index.bundled.stamp import SCHEMA, STAMP, Stamp, check_fits, check_seal, read_stamp, seal, write_stamp
from testing.colour_library import ColourEmbedder, WideLibrary, distinct, write_library


def damage(file: Path, how: str) -> None:
    content = file.read_bytes()
    if how == "missing":
        file.unlink()
    elif how == "garbage":
        file.write_bytes(b"damaged" * 100)
    elif how == "short":
        file.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "flipped":
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes(byte ^ 255 for byte in content[middle:]))


@pytest.mark.slow
class TestDamage:
    @pytest.mark.parametrize("how", ["missing", "garbage", "short", "empty", "flipped"])
    @pytest.mark.parametrize(
        "name",
        ["current.json", "chroma.sqlite3", "data_level0.bin", "header.bin", "link_lists.bin", "index_metadata.pickle"],
    )
    def test_is_told_and_mended(self, name: str, how: str, large: Path, tmp_path: Path) -> None:
        home = Path(shutil.copytree(large, tmp_path / "home"))
        file = next((home / "index").rglob(name))
        if (how, name) == ("missing", "current.json"):
            pytest.skip("then it is no finished index, and is built")
        if how != "missing" and not file.stat().st_size:
            pytest.skip("Chroma left this file empty")
        damage(file, how)
        index = ChromaIndex(home, StoredEmbedder(), library=LargeLibrary(large / "library.parquet"))
        for ask in (lambda: index.search(["red"], 2), index.ensure_library, lambda: index_status(home)):
            with pytest.raises(UserError, match="is damaged") as caught:
                ask()
            assert "run `imagerag index rebuild`" in str(caught.value)
            assert str(home / "index") in str(caught.value)
            assert "\n" not in str(caught.value)

    def test_rebuild_mends(self, home: Path, library: Library) -> None:
        for file in (path for path in (home / "index").rglob("*") if path.is_file()):
            damage(file, "garbage")
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        with pytest.raises(UserError, match="is damaged"):
            index.search(["red"], 1)
        assert index.rebuild()["images"] == distinct(library)
        assert len(index.search(["red"], 2)[0]) == 2

    @pytest.mark.parametrize(
        "change",
        [
            "DELETE FROM collections",
            "DELETE FROM collection_metadata",
            "DELETE FROM embeddings WHERE id % 2",
            "DELETE FROM embedding_metadata",
            "DROP TABLE embedding_metadata",
        ],
    )
    def test_database_with_less_in_it(self, change: str, home: Path, library: Library) -> None:
        """A sound database that is not the one that was sealed."""
        with closing(sqlite3.connect(next(home.rglob("chroma.sqlite3")))) as database, database:
            database.execute(change)
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        with pytest.raises(UserError, match="is damaged"):
            index.search(["red"], 2)


class StoredEmbedder(ColourEmbedder):
    """Vectors come with ``LargeLibrary``; texts are their own."""

    dimension = 32

    def __init__(self) -> None:
        super().__init__("stored@1")

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.vectors(len(texts))

    def vectors(self, count: int) -> NDArray[np.float32]:
        rows = np.random.default_rng(count).normal(size=(count, self.dimension)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class LargeLibrary(WideLibrary):
    """Large enough for Chroma to write its graph (1,000 vectors)."""

    def stored_embeddings(self, model_id: str) -> NDArray[np.float32]:
        return StoredEmbedder().vectors(1000)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("large")
    write_library(home / "library.parquet", 1)
    index = ChromaIndex(home, StoredEmbedder(), library=LargeLibrary(home / "library.parquet"))
    index.ensure_library()
    index.close()
    return home


@pytest.fixture
def stamped(tmp_path: Path) -> Stamp:
    """A folder with one file, sealed, and its stamp, written."""
    folder = tmp_path / "chroma-1"
    folder.mkdir()
    (folder / "graph.bin").write_bytes(b"0123456789")
    stamp = Stamp(SCHEMA, "clip@1", "ab" * 32, 1, folder.name, seal(folder))
    write_stamp(tmp_path, stamp)
    return stamp


def test_a_stamp_is_read_as_it_was_written_and_fits_its_own_model_and_library(tmp_path: Path, stamped: Stamp) -> None:
    assert read_stamp(tmp_path) == stamped
    check_seal(tmp_path, stamped)
    check_fits(tmp_path, stamped, "clip@1", "ab" * 32)
    with pytest.raises(UserError, match=r"made with model 'clip@1', not with 'clip@2'.*index rebuild"):
        check_fits(tmp_path, stamped, "clip@2", "ab" * 32)
    with pytest.raises(UserError, match="another edition of the library"):
        check_fits(tmp_path, stamped, "clip@1", "cd" * 32)
    assert read_stamp(tmp_path / "elsewhere") is None


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"0123456780", "is not as it was written"), (b"0123", "has 4 bytes, not 10"), (None, "graph.bin")],
)
def test_a_file_that_is_not_as_it_was_sealed_is_damage(
    tmp_path: Path, stamped: Stamp, data: bytes | None, said: str
) -> None:
    file = tmp_path / stamped.folder / "graph.bin"
    file.unlink() if data is None else file.write_bytes(data)
    with pytest.raises(UserError, match=said):
        check_seal(tmp_path, stamped)


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"schema": SCHEMA + 1, "files": {}})])
def test_a_stamp_that_is_damaged_or_of_another_schema_is_refused_with_the_command(tmp_path: Path, text: str) -> None:
    (tmp_path / STAMP).write_text(text)
    with pytest.raises(UserError, match="imagerag index rebuild"):
        read_stamp(tmp_path)
