"""Vectors in Parquet shards."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imagerag.errors import FileError
from imagerag.index.user.shards import Shards, model_tag


def test_some_vectors_of_a_large_shard_are_those_of_their_rows(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((1500, 8)).astype(np.float32)
    shards = Shards(tmp_path)
    shard = shards.write("0" * 8, {"key": [str(at) for at in range(1500)], "embedding": vectors})
    for rows in (random.permutation(1500)[:40], np.array([1499, 0, 512, 511]), np.arange(1500)):
        assert np.array_equal(shards.vectors(shard, rows.astype(np.int32), "embedding"), vectors[rows])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"garbage" * 100])
def test_every_way_to_read_a_damaged_shard_names_it(tmp_path: Path, content: bytes) -> None:
    shards = Shards(tmp_path)
    shard = shards.write(model_tag("m"), {"key": ["a"], "embedding": np.eye(1, 4, dtype=np.float32)})
    (tmp_path / shard.name).write_bytes(content)
    ways: list[Callable[[], object]] = [
        lambda: shards.read(shard),
        lambda: shards.columns(shard),
        lambda: shards.rows(shard),
        lambda: shards.model_of(shard),
        lambda: shards.vectors(shard, np.zeros(1, np.int32), "embedding"),
    ]
    for way in ways:
        with pytest.raises(FileError, match=f"{shard.name}' is damaged .*the other shards are whole") as caught:
            way()
        assert caught.value.cause == "damaged"
