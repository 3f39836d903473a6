"""Adding on Ray comes to what adding by threads comes to, on this machine and on a cluster of two nodes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagerag.embedders.clip import OpenClipEmbedder
from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user.ingest import IngestResult
from imagerag.index.user.store import UserPictures
from testing.odd_files import write_corpus

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")
cluster_utils = pytest.importorskip("ray.cluster_utils")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clip() -> OpenClipEmbedder:
    return embedded_clip()


@pytest.fixture
def cluster() -> Iterator[str]:
    nodes = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.add_node(num_cpus=1)
    yield nodes.address
    nodes.shutdown()


def state(home: Path, clip: OpenClipEmbedder) -> tuple[list[dict[str, Any]], Any]:
    own = UserPictures(home, clip)
    known = own.snapshot()
    rows = known.table.drop_columns([name for name in ("shard", "row") if name in known.table.column_names])
    vectors = known.vectors(np.arange(len(known)))
    own.close()
    return rows.to_pylist(), vectors


def add(home: Path, clip: OpenClipEmbedder, files: Path, engine: str) -> IngestResult:
    own = UserPictures(home, clip)
    try:
        return own.add([files], engine=engine)
    finally:
        own.close()


class TestRay:
    def test_the_result_is_that_of_threads(self, tmp_path: Path, clip: OpenClipEmbedder) -> None:
        files = tmp_path / "files"
        write_corpus(files)
        calm = add(tmp_path / "threads", clip, files, "threads")
        spread = add(tmp_path / "ray", clip, files, "ray")
        assert spread == calm
        assert calm.added > 40
        assert len(calm.skipped) > 20
        (ours, vectors), (theirs, others) = state(tmp_path / "threads", clip), state(tmp_path / "ray", clip)
        assert ours == theirs
        np.testing.assert_allclose(vectors, others, atol=1e-5)

    def test_a_cluster_by_address_and_what_changed_meanwhile(
        self, tmp_path: Path, clip: OpenClipEmbedder, cluster: str
    ) -> None:
        files = tmp_path / "files"
        files.mkdir()
        for number in range(100):  # more than a batch
            Image.new("RGB", (32, 32), (2 * number, 90, 0)).save(files / f"{number:03d}.png")
        add(tmp_path / "threads", clip, files, "threads")
        assert add(tmp_path / "ray", clip, files, f"ray:{cluster}").added == 100
        (files / "001.txt").write_text("an olive square", encoding="utf-8")  # the same bytes under other words
        (files / "002.png").unlink()
        (files / "copy.png").write_bytes((files / "003.png").read_bytes())
        Image.new("RGB", (32, 32), "red").save(files / "red.png")
        outcomes = [
            add(tmp_path / home, clip, files, engine)
            for home, engine in (("threads", "threads"), ("ray", f"ray:{cluster}"))
        ]
        assert outcomes[0] == outcomes[1]
        assert (outcomes[0].added, outcomes[0].removed) == (3, 1)
        (ours, vectors), (theirs, others) = state(tmp_path / "threads", clip), state(tmp_path / "ray", clip)
        assert ours == theirs
        np.testing.assert_allclose(vectors, others, atol=1e-5)

    def test_no_cluster_there(self, tmp_path: Path, clip: OpenClipEmbedder) -> None:
        Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
        with pytest.raises(UserError, match=r"no Ray cluster at '127\.0\.0\.1:1'"):
            add(tmp_path / "home", clip, tmp_path, "ray:127.0.0.1:1")
