"""An evaluation in processes of its own: killed and gone on with, it ends as one that nobody disturbed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX has it")]

PATIENCE = 600


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("IMAGERAG_")}


def command(home: Path, out: Path) -> list[str]:
    arms = [word for name in ("base", "agent", "best-of-n") for word in ("--arm", name)]
    words = ["--suite", "pictograms", "--limit", "2", *arms, "--workers", "2", "--json"]
    return [sys.executable, "-m", "imagerag", "eval", *words, "--home", str(home), "--out", str(out)]


def results(out: Path) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Return what was drawn and measured, but for the time that it took."""
    drawings, presence = {}, {}
    for line in (out / "drawings.jsonl").read_text().splitlines():
        one = json.loads(line)
        drawings[one["arm"], one["prompt"], one["seed"]] = {**one, "seconds": None}
    for line in (out / "measured" / "presence.jsonl").read_text().splitlines():
        one = json.loads(line)
        presence[one["arm"], one["prompt"], one["seed"]] = one
    return drawings, presence


def test_after_kill_9_the_same_command_ends_with_equal_results(tmp_path: Path) -> None:
    home, whole, killed = tmp_path / "home", tmp_path / "whole", tmp_path / "killed"
    done = subprocess.run(command(home, whole), env=environment(), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    with subprocess.Popen(command(home, killed), env=environment(), stdout=subprocess.DEVNULL) as first:
        deadline = time.monotonic() + PATIENCE
        while not (killed / "drawings.jsonl").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        workers = psutil.Process(first.pid).children(recursive=True)
        first.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive, "a worker outlived the process that it worked for"
    there = len((killed / "drawings.jsonl").read_text().splitlines())
    assert 0 < there < 18
    with (killed / "drawings.jsonl").open("a") as file:
        file.write('{"arm": "base", "prompt": "kno')
    again = subprocess.run(command(home, killed), env=environment(), capture_output=True, text=True, timeout=PATIENCE)
    assert again.returncode == 0, again.stderr
    assert "drawings are there from before" in again.stderr
    told, before = json.loads(again.stdout), json.loads(done.stdout)
    assert [(arm["name"], arm["presence"], arm["interval"]) for arm in told["arms"]] == [
        (arm["name"], arm["presence"], arm["interval"]) for arm in before["arms"]
    ]
    last = [line for line in (killed / "drawings.jsonl").read_text().splitlines() if not line.endswith("kno")]
    (killed / "drawings.jsonl").write_text("\n".join(last))
    assert results(killed) == results(whole)
    assert not (killed / ".work").exists()
