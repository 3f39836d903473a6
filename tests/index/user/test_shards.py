"""Vectors in Parquet shards."""

from pathlib import Path

import numpy as np

from imagerag.index.user.shards import Shards


def test_some_vectors_of_a_large_shard_are_those_of_their_rows(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((1500, 8)).astype(np.float32)
    shards = Shards(tmp_path)
    shard = shards.write("0" * 8, {"key": [str(at) for at in range(1500)], "embedding": vectors})
    for rows in (random.permutation(1500)[:40], np.array([1499, 0, 512, 511]), np.arange(1500)):
        assert np.array_equal(shards.vectors(shard, rows.astype(np.int32), "embedding"), vectors[rows])
