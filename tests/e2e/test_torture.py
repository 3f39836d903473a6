"""The torture script, in short: a kill, a server that is busy, a damaged file."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_nothing_is_lost_doubled_hung_or_left_behind(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    command = [sys.executable, "-m", "benchmarks.torture", "--short", "--results", str(results)]
    first, again = (subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600) for _ in range(2))
    assert first.returncode == 0, first.stdout + first.stderr
    assert len(results.read_text(encoding="utf-8").splitlines()) == 3
    assert again.stdout == first.stdout, "all are done: it only prints its table again"
