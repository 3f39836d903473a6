"""The reference index: real Chroma, real processes, real damage."""

import hashlib
import io
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors import safe_open

from imagerag.assets import asset
from imagerag.assets.library import Library
from imagerag.errors import InvalidArgument, UserError
from imagerag.index.bundled import build as building
from imagerag.index.bundled.chroma import ChromaIndex, index_status
from imagerag.index.lock import writer_lock

SPAWN = multiprocessing.get_context("spawn")
HUES = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255), "black": (0, 0, 0)}
SIDE = 16


class ColourEmbedder:
    """A small model of its own: pictures and texts meet in the mean colour; counts its passes."""

    dimension = 8

    def __init__(self, model_id: str = "colour@1") -> None:
        self.model_id = model_id
        self.passes: list[int] = []

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.passes.append(len(texts))
        return self._unit([np.mean([HUES[word] for word in text.split() if word in HUES], axis=0) for text in texts])

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        flat = [Image.alpha_composite(Image.new("RGBA", image.size, "white"), image) for image in images]
        return self._unit([np.asarray(image.convert("RGB"), float).mean((0, 1)) for image in flat])

    def _unit(self, colours: Sequence[Any]) -> NDArray[np.float32]:
        rows = np.zeros((len(colours), self.dimension), np.float32)
        rows[:, :3] = np.asarray(colours) / 127.5 - 1
        rows[:, 3] = 0.1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def write_library(path: Path, count: int) -> None:
    """A library of as many pictures, each of one colour, some of them twice under another name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = []
    for i in range(count):
        hue = list(HUES)[i % 5]
        shade = tuple(np.clip(np.array(HUES[hue]) * (1 - i / count / 3), 0, 255).astype(int))
        out = io.BytesIO()
        Image.new("RGBA", (SIDE, SIDE), (*shade, 255 if i else 0)).save(out, "WEBP", lossless=True)
        rows.append(
            {
                "concept": f"{hue} square {i}",
                "keywords": [hue, "square"],
                "category": "colours",
                "set": "squares",
                "licence": "CC0-1.0",
                "source": f"Squares {i}",
                "sha256": hashlib.sha256(out.getvalue()).hexdigest(),
                "in_base": False,
                "held_out": False,
                "image": out.getvalue(),
            }
        )
    pq.write_table(pa.Table.from_pylist(rows), path)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    path = tmp_path_factory.mktemp("library") / "library.parquet"
    write_library(path, 200)
    return Library(path)


@pytest.fixture(scope="module")
def built(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a finished index, to copy from."""
    home = tmp_path_factory.mktemp("built")
    index = ChromaIndex(home, ColourEmbedder(), library=library)
    index.ensure_library()
    index.close()
    return home


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "home"))


def distinct(library: Library) -> int:
    return len({entry.sha256 for entry in library.entries})


class TestSearch:
    def test_one_pass_for_all_captions(self, home: Path, library: Library) -> None:
        embedder = ColourEmbedder()
        index = ChromaIndex(home, embedder, library=library)
        found = index.search(["something red", " blue thing\n", "green"], 3)
        assert embedder.passes == [3]
        for hue, hits in zip(("red", "blue", "green"), found, strict=True):
            assert len(hits) == 3
            assert [hit.title.split()[0] for hit in hits] == [hue] * 3
            similarities = [hit.similarity for hit in hits]
            assert similarities == sorted(similarities, reverse=True)
            assert similarities[0] == pytest.approx(1, abs=0.01)
        hit = found[0][0]
        assert hit.words[1:] == ("red", "square")
        assert (hit.source.split()[0], hit.licence, hit.set) == ("Squares", "CC0-1.0", "squares")

    def test_path_is_a_picture_on_white(self, home: Path, library: Library) -> None:
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        hits = index.search(["white"], 200)[0]
        assert len({hit.path for hit in hits}) == len(hits)
        seen_through = next(hit for hit in hits if hit.title == "red square 0")
        assert seen_through.path.is_relative_to(home)
        with Image.open(seen_through.path) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (SIDE, SIDE))
            assert image.getpixel((0, 0)) == (255, 255, 255)
        assert index.image(seen_through.sha256).mode == "RGBA"

    def test_exclude_and_more_than_there_is(self, home: Path, library: Library) -> None:
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        first = index.search(["red"], 5)[0]
        second = index.search(["red"], 5, exclude={hit.sha256 for hit in first})[0]
        assert len(second) == 5
        assert not {hit.sha256 for hit in first} & {hit.sha256 for hit in second}
        everything = index.search(["red"], 10_000)[0]
        assert len({hit.sha256 for hit in everything}) == len(everything) == distinct(library)
        assert index.search(["red"], 3, exclude=[hit.sha256 for hit in everything]) == [[]]

    def test_by_image(self, home: Path, library: Library) -> None:
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        picture = library.image(7)
        assert index.search_by_image(picture, 1)[0].sha256 == library.entries[7].sha256

    @pytest.mark.parametrize(
        ("captions", "k", "said"),
        [
            (["red"], 0, "k 0"),
            (["red"], -3, "k -3"),
            (["red", ""], 1, "''"),
            (["red", " \n"], 1, "is empty"),
            (["red \ud83d"], 1, "Unicode"),
            ("red", 1, "list of captions"),
        ],
    )
    def test_bad_arguments(self, captions: Any, k: int, said: str, tmp_path: Path, library: Library) -> None:
        with pytest.raises(InvalidArgument, match=said):
            ChromaIndex(tmp_path / "home", ColourEmbedder(), library=library).search(captions, k)
        assert not (tmp_path / "home").exists()

    def test_nothing_asked(self, tmp_path: Path, library: Library) -> None:
        index = ChromaIndex(tmp_path / "home", ColourEmbedder(), library=library)
        assert index.search([], 3) == []
        with pytest.raises(InvalidArgument, match="'abc'"):
            index.image("abc")
        assert index.image(library.entries[3].sha256).size == (SIDE, SIDE)
        assert not (tmp_path / "home").exists()


class TestBuilding:
    def test_missing_index_is_built_at_the_first_search(self, tmp_path: Path, library: Library) -> None:
        steps: list[tuple[int, int]] = []
        index = ChromaIndex(
            tmp_path, ColourEmbedder(), library=library, progress=lambda done, total: steps.append((done, total))
        )
        assert index.status()["images"] == 0
        assert index.status()["model"] is None
        assert len(index.search(["red"], 2)[0]) == 2
        count = distinct(library)
        assert count < len(library), "the library holds some pictures twice"
        assert steps[0] == (0, count)
        assert steps[-1] == (count, count)
        index.ensure_library()
        assert steps.count((0, count)) == 1
        assert index.status() == {
            "images": count,
            "model": "colour@1",
            "collection": "references",
            "directory": str(tmp_path / "index"),
            "schema": 1,
        }

    def test_other_model_is_refused(self, home: Path, library: Library) -> None:
        index = ChromaIndex(home, ColourEmbedder("colour@2"), library=library)
        with pytest.raises(UserError, match="imagerag index rebuild") as caught:
            index.search(["red"], 1)
        assert "'colour@1'" in str(caught.value)
        assert "'colour@2'" in str(caught.value)
        assert index.rebuild()["model"] == "colour@2"
        assert index.search(["red"], 1)[0][0].title.startswith("red")

    def test_other_library_is_refused(self, home: Path, tmp_path: Path) -> None:
        write_library(tmp_path / "other.parquet", 20)
        other = Library(tmp_path / "other.parquet")
        index = ChromaIndex(home, ColourEmbedder(), library=other)
        with pytest.raises(UserError, match="another edition of the library; run `imagerag index rebuild`"):
            index.search(["red"], 1)
        assert index.rebuild()["images"] == distinct(other)

    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_very_small_library(self, count: int, tmp_path: Path) -> None:
        write_library(tmp_path / "library.parquet", count)
        for _ in range(3):
            index = ChromaIndex(tmp_path, ColourEmbedder(), library=Library(tmp_path / "library.parquet"))
            assert len(index.search(["red"], 5)[0]) == count
            index.close()

    def test_other_schema_is_refused(self, home: Path, library: Library) -> None:
        stamp = home / "index" / "current.json"
        stamp.write_text(stamp.read_text().replace('"schema": 1', '"schema": 2'))
        with pytest.raises(UserError, match="schema 2, not 1"):
            ChromaIndex(home, ColourEmbedder(), library=library).search(["red"], 1)

    def test_rebuild_leaves_one_folder(self, home: Path, library: Library) -> None:
        (home / "index" / "chroma-left-by-a-killed-build").mkdir()
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        index.search(["red"], 1)
        before = list((home / "index").glob("chroma-*"))
        index.rebuild()
        after = list((home / "index").glob("chroma-*"))
        assert len(after) == 1
        assert after[0] not in before

    def test_reader_follows_a_rebuild(self, home: Path, library: Library) -> None:
        reader = ChromaIndex(home, ColourEmbedder(), library=library)
        before = reader.search(["blue"], 4)
        ChromaIndex(home, ColourEmbedder(), library=library).rebuild()
        assert reader.search(["blue"], 4) == before

    def test_file_in_the_way(self, tmp_path: Path, library: Library) -> None:
        (tmp_path / "home").write_text("mine")
        index = ChromaIndex(tmp_path / "home", ColourEmbedder(), library=library)
        with pytest.raises(UserError, match="IMAGERAG_HOME"):
            index.search(["red"], 1)

    @pytest.mark.parametrize("size", [1000, 100_000, 250_000])
    def test_full_disk(self, size: int, tmp_path: Path, library: Library) -> None:
        """No file grows beyond ``size``: the lock fits, the database or the graph does not."""
        index = ChromaIndex(tmp_path, ColourEmbedder(), library=library)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            with pytest.raises(UserError, match="IMAGERAG_HOME"):
                index.ensure_library()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert [path.name for path in (tmp_path / "index").iterdir()] == ["lock"]
        assert len(index.search(["red"], 2)[0]) == 2

    def test_graph_cut_short_by_a_full_disk(self, tmp_path: Path) -> None:
        """Chroma writes the rest of the database and says nothing; a build must notice."""
        write_library(tmp_path / "library.parquet", 1)
        wide = WideEmbedder()
        index = ChromaIndex(tmp_path, wide, library=WideLibrary(tmp_path / "library.parquet"))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, hard))
        try:
            with pytest.raises(UserError, match="can't be built"):
                index.ensure_library()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert not list((tmp_path / "index").glob("chroma-*"))


class WideEmbedder(ColourEmbedder):
    """Long vectors, so that Chroma's graph is larger than its database's journal."""

    dimension = 1536


class WideLibrary(Library):
    """1,000 entries without pictures that bring their vectors along."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        first = self.entries[0]
        self.__dict__["entries"] = tuple(
            type(first)(**{**vars(first), "sha256": hashlib.sha256(bytes([i % 256, i // 256])).hexdigest()})
            for i in range(1000)
        )

    def stored_embeddings(self, model_id: str) -> NDArray[np.float32]:
        rows = np.random.default_rng(0).normal(size=(1000, WideEmbedder.dimension)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


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


def build_in_process(home: str, library: str, stop_at: str, log: str) -> None:
    """Build in a process of its own; at a given point, say so and wait to be killed."""

    def reached(point: str) -> None:
        with open(log, "a") as file:
            file.write(f"{point}\n")
        if point == stop_at:
            time.sleep(60)

    class Loud(ColourEmbedder):
        def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
            reached("embed")
            return super().embed_images(images)

    building.BATCH = 50
    real_seal, real_stamp = building.seal, building.write_stamp

    def seal(folder: Path, **options: Any) -> Any:
        reached("seal")
        return real_seal(folder, **options)

    def write_stamp(directory: Path, stamp: Any) -> None:
        reached("stamp")
        real_stamp(directory, stamp)
        reached("stamped")

    building.seal, building.write_stamp = seal, write_stamp
    index = ChromaIndex(home, Loud(), library=Library(Path(library)))
    index.ensure_library(lambda done, total: reached(f"{done}"))
    found = index.search(["red"], 3)[0]
    reached("found" if [hit.title.split()[0] for hit in found] == ["red"] * 3 else f"wrong {found}")


def start(home: Path, library: Library, stop_at: str, log: Path) -> SpawnProcess:
    process = SPAWN.Process(target=build_in_process, args=(str(home), str(library.path), stop_at, str(log)))
    process.start()
    return process


def wait_for(point: str, log: Path, process: SpawnProcess) -> None:
    deadline = time.monotonic() + 60
    while point not in said(log):
        assert process.is_alive(), f"the process ended before {point!r}"
        assert time.monotonic() < deadline, f"waited in vain for {point!r}"
        time.sleep(0.01)


def said(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


class TestProcesses:
    @pytest.mark.parametrize("point", ["0", "100", "seal", "stamp", "stamped"])
    def test_killed_while_building(self, point: str, tmp_path: Path, library: Library) -> None:
        home, log = tmp_path / "home", tmp_path / "log"
        process = start(home, library, point, log)
        wait_for(point, log, process)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        finished = point == "stamped"
        assert bool(index_status(home)["images"]) == finished
        embedder = ColourEmbedder()
        index = ChromaIndex(home, embedder, library=library, patience=0)
        assert len({hit.sha256 for hit in index.search(["red"], 1000)[0]}) == distinct(library)
        assert len(list((home / "index").glob("chroma-*"))) == 1
        assert not list(home.rglob(".writing-*"))

    def test_killed_while_rebuilding(self, home: Path, library: Library, tmp_path: Path) -> None:
        """Whenever a rebuild is killed, the index before it answers."""
        rng = random.Random(7)
        for _ in range(3):
            script = "import sys; from tests.index.bundled.test_build import rebuild_forever; rebuild_forever(*sys.argv[1:])"
            process = subprocess.Popen(
                [sys.executable, "-c", script, str(home), str(library.path)],
                cwd=Path(__file__).parents[3],
                stdout=subprocess.PIPE,
            )
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.4))
            process.kill()
            process.wait()
            process.stdout.close()
            index = ChromaIndex(home, ColourEmbedder(), library=library, patience=0)
            assert index.status()["images"] == distinct(library)
            assert len(index.search(["green"], 1000)[0]) == distinct(library)
            index.close()

    def test_two_at_once(self, tmp_path: Path, library: Library) -> None:
        home, logs = tmp_path / "home", [tmp_path / "log-0", tmp_path / "log-1"]
        processes = [start(home, library, "nowhere", log) for log in logs]
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
        assert all(said(log)[-1] == "found" for log in logs)
        assert sum("embed" in said(log) for log in logs) == 1, "the second takes what the first has built"

    def test_readers_while_it_is_rebuilt(self, home: Path, library: Library) -> None:
        readers = [SPAWN.Process(target=read_often, args=(str(home), str(library.path))) for _ in range(3)]
        for reader in readers:
            reader.start()
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        while any(reader.is_alive() for reader in readers):
            index.rebuild()
        assert [reader.exitcode for reader in readers] == [0, 0, 0]

    def test_waiting_in_vain(self, tmp_path: Path, library: Library) -> None:
        home, log = tmp_path / "home", tmp_path / "log"
        process = start(home, library, "100", log)
        wait_for("100", log, process)
        told: list[str] = []
        index = ChromaIndex(home, ColourEmbedder(), library=library, patience=0.2, on_wait=told.append)
        with pytest.raises(UserError, match=rf"another imagerag process \(pid {process.pid}\).*try again"):
            index.search(["red"], 1)
        with pytest.raises(UserError, match="another imagerag process"):
            index.rebuild()
        assert len(told) == 2
        assert str(home / "index") in told[0]
        process.kill()
        process.join()
        assert index.search(["red"], 1)[0], "the lock of a killed process holds nobody up"

    def test_lock_is_let_go_after_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError), writer_lock(tmp_path / "lock", patience=0):
            raise ZeroDivisionError
        with writer_lock(tmp_path / "lock", patience=0), pytest.raises(UserError, match=f"pid {os.getpid()}"):  # noqa: SIM117
            with writer_lock(tmp_path / "lock", patience=0):
                pass


def read_often(home: str, library: str) -> None:
    kept = ChromaIndex(home, ColourEmbedder(), library=Library(Path(library)))
    for _ in range(10):
        fresh = ChromaIndex(home, ColourEmbedder(), library=kept.library)
        assert fresh.search(["red", "blue"], 1000) == kept.search(["red", "blue"], 1000)
        assert fresh.status()["images"] == distinct(kept.library)
        fresh.close()


def rebuild_forever(home: str, library: str) -> None:
    index = ChromaIndex(home, ColourEmbedder(), library=Library(Path(library)))
    index.rebuild()
    print("ready", flush=True)
    while True:
        index.rebuild()


class NameEmbedder(ColourEmbedder):
    """The embedded CLIP's vectors of the library's names, as they came with it."""

    dimension = 384

    def __init__(self, library: Library) -> None:
        with safe_open(str(asset("library_embeddings.safetensors")), "np") as file:
            super().__init__(file.metadata()["model_id"])
        names = library.stored_name_embeddings(self.model_id)
        assert names is not None
        self._names = dict(zip((concept.name for concept in library.concepts), names, strict=True))

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self._names[text] for text in texts])


class TestBundledLibrary:
    def test_finds_what_an_exact_search_finds(self, tmp_path: Path) -> None:
        library = Library()
        embedder = NameEmbedder(library)
        index = ChromaIndex(tmp_path, embedder)
        names = [concept.name for concept in library.concepts][::30]
        found = index.search(names, 10)
        vectors = library.stored_embeddings(embedder.model_id)
        assert vectors is not None
        first = {entry.sha256: i for i, entry in reversed(list(enumerate(library.entries)))}
        kept = np.array(sorted(first.values()))
        scores = embedder.embed_texts(names) @ vectors[kept].T
        best = -np.sort(-scores, axis=1)[:, 9]
        right = [
            sum(hit.similarity >= least - 1e-5 for hit in hits) / 10 for hits, least in zip(found, best, strict=True)
        ]
        assert np.mean(right) >= 0.999
        assert index.status()["images"] == len(kept)
        hit = found[0][0]
        assert index.image(hit.sha256).size == (128, 128)
        assert hit.path.is_file()
