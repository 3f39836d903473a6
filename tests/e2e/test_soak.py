"""A minute of mixed load on a server; benchmarks/soak.py does the same for an hour, and measures the memory, too."""

import sys
from collections import Counter
from pathlib import Path

import pytest

from testing.mixed_load import KINDS
from testing.soaking import MOST_MORE, Sample, bytes_by_kind, figures, soak

pytest.importorskip("mcp")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts handles and threads in /proc"),
]


def test_nothing_is_lost_and_handles_and_threads_stay_flat(tmp_path: Path) -> None:
    record = soak(1.5, tmp_path, every=3.0)
    assert record.errors == []
    assert record.runs > 0
    assert len(record.done) > len(KINDS) // 2, "most kinds of load had their turn"
    found = figures(record.samples)
    assert found.handles[1] - found.handles[0] <= MOST_MORE
    assert found.threads[1] - found.threads[0] <= MOST_MORE
    before = sum(record.done.values())
    assert sum(soak(1.5, tmp_path).done.values()) == before, "a record of all its minutes is complete"


def test_data_is_counted_by_kind_and_without_the_logs_of_sqlite(tmp_path: Path) -> None:
    sizes = {
        "images/ab/c.png": 5,
        "threads.sqlite": 7,
        "threads.sqlite-wal": 100,
        "doors.sqlite": 11,
        "doors.sqlite-shm": 100,
        "library/x.bin": 13,
    }
    for name, size in sizes.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    assert bytes_by_kind(tmp_path) == (5, 7, 11, 13)


def test_the_figures_are_of_the_longest_part_after_its_warm_up() -> None:
    """Memory that rises by 2 MiB a minute; images grow by 100 bytes a drawing, checkpoints by the square."""
    samples = [
        Sample(2, 60.0 * k, 500 + 2 * k + (400 if k < 5 else 0), 30 + k % 2, 20, 10 * k, 1000 * k, k * k, 7, 0)
        for k in range(1, 41)
    ]
    found = figures([Sample(1, 1.0, 9000, 99, 99, 0, 0, 0, 0, 0), *samples])
    assert found.slope == pytest.approx(2.0)
    assert found.either_way == pytest.approx(0.0, abs=1e-9)
    shaken = [one._replace(memory=one.memory + 30 * (-1) ** k) for k, one in enumerate(samples)]
    assert 0.3 < figures(shaken).either_way < 3
    assert (found.handles, found.threads) == ((30, 30), (20, 20))
    assert found.growth["images"] == pytest.approx(100)
    assert found.bend["images"] == pytest.approx(1)
    assert found.bend["checkpoints"] > 1.5
    assert Counter(found.growth)["database"] == 0
    with pytest.raises(ValueError, match="samples after the warm-up"):
        figures(samples[:3])
