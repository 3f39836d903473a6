"""Building the bundled index: real Chroma, real processes, real full disks."""

import multiprocessing
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imagerag.assets.library import Library
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.index.bundled import build as building
from imagerag.index.bundled.build import PREFIX
from imagerag.index.bundled.chroma import ChromaIndex, index_status
from imagerag.settings import Settings
from testing.colour_library import ColourEmbedder, WideEmbedder, WideLibrary, distinct, write_library
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.scripted_runs import GENERATE

SPAWN = multiprocessing.get_context("spawn")


class TestBuilding:
    @pytest.mark.slow
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

    @pytest.mark.slow
    def test_other_model_is_refused(self, home: Path, library: Library) -> None:
        index = ChromaIndex(home, ColourEmbedder("colour@2"), library=library)
        with pytest.raises(UserError, match="imagerag index rebuild") as caught:
            index.search(["red"], 1)
        assert "'colour@1'" in str(caught.value)
        assert "'colour@2'" in str(caught.value)
        assert index.rebuild()["model"] == "colour@2"
        assert index.search(["red"], 1)[0][0].title.startswith("red")

    @pytest.mark.slow
    def test_other_library_is_refused(self, home: Path, tmp_path: Path) -> None:
        write_library(tmp_path / "other.parquet", 20)
        other = Library(tmp_path / "other.parquet")
        index = ChromaIndex(home, ColourEmbedder(), library=other)
        with pytest.raises(UserError, match="another edition of the library; run `imagerag index rebuild`"):
            index.search(["red"], 1)
        assert index.rebuild()["images"] == distinct(other)

    @pytest.mark.slow
    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_very_small_library(self, count: int, tmp_path: Path) -> None:
        write_library(tmp_path / "library.parquet", count)
        for _ in range(3):
            index = ChromaIndex(tmp_path, ColourEmbedder(), library=Library(tmp_path / "library.parquet"))
            assert len(index.search(["red"], 5)[0]) == count
            index.close()

    @pytest.mark.slow
    def test_other_schema_is_refused(self, home: Path, library: Library) -> None:
        stamp = home / "index" / "current.json"
        stamp.write_text(stamp.read_text().replace('"schema": 1', '"schema": 2'))
        with pytest.raises(UserError, match="schema 2, not 1"):
            ChromaIndex(home, ColourEmbedder(), library=library).search(["red"], 1)

    @pytest.mark.slow
    def test_rebuild_leaves_one_folder(self, home: Path, library: Library) -> None:
        (home / "index" / "chroma-left-by-a-killed-build").mkdir()
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        index.search(["red"], 1)
        before = list((home / "index").glob("chroma-*"))
        index.rebuild()
        after = list((home / "index").glob("chroma-*"))
        assert len(after) == 1
        assert after[0] not in before

    @pytest.mark.slow
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

    @pytest.mark.slow
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

    @pytest.mark.slow
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


@pytest.mark.slow
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
            script = (
                "import sys; from tests.index.bundled.test_build import rebuild_forever; rebuild_forever(*sys.argv[1:])"
            )
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


@pytest.mark.slow
def test_a_run_cancelled_while_the_index_is_built_leaves_none_half_built(tmp_path: Path) -> None:
    cancel = threading.Event()
    search = [("search_references", {"captions": [{"concept": "lobster", "caption": "a lobster"}], "k": 1})]
    graph = build_graph(
        chat_model=ScriptedModel(script=[GENERATE, search, GENERATE, search, "done"], seen=[], offered=[]),
        critic=ScriptedCritic([0.5, 0.5]),
        generator=Squares(),
    )

    def stream(**settings: Any) -> list[Any]:
        config: Any = {"configurable": {"thread_id": "t"}}
        settings = Settings(home=str(tmp_path), **settings)
        events = []
        for event in graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode="custom"):
            events.append(event)
            if event["event"] == "progress" and event["what"] == "indexing":
                cancel.set()
        return events

    assert stream(cancel=cancel)[-1]["reason"] == "cancelled"
    assert list(tmp_path.rglob(f"{PREFIX}*")) == []
    found = [event for event in stream() if event["event"] == "references"]
    assert found[0]["references"][0]["title"] == "lobster"
