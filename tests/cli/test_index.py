"""The commands ``imagerag index`` and ``imagerag search``: bad input is refused in one line."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["index", "add"], "needs a folder"),
        (["index", "add", "/no/such/folder"], "'/no/such/folder' does not exist"),
        (["index", "add", ".", "--engine", "spark"], "engine 'spark' is unknown"),
        (["index", "status", "x"], "'x' is of no use"),
        (["search", "an owl", "-k", "0"], "k 0 is below 1"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "imagerag", *arguments, "--home", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
