"""The whole command line with another lookup model."""

import json
import subprocess
import sys
from pathlib import Path

from testing.tiny_clip import save_checkpoint
from testing.user_pictures import save_picture


def test_the_command_line_takes_a_model(tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "owl.png", "owl")
    folder = str(save_checkpoint(tmp_path / "tiny", 1))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "imagerag", *arguments, "--home", str(tmp_path / "home"), "--json"]
        return subprocess.run(command, capture_output=True, text=True)

    assert json.loads(run("index", "add", str(tmp_path / "p"), "--model", folder).stdout)["added"] == 1
    (found,) = json.loads(run("search", "an owl", "--lookup-model", folder).stdout)
    assert found["caption"] == "owl"
    left_out = run("search", "an owl")
    assert left_out.returncode == 0
    assert f"next: imagerag index add {tmp_path / 'p'} --lookup-model embedded" in left_out.stderr
    refused = run("search", "an owl", "--library", "own")
    assert refused.returncode == 2
    assert f"index add {tmp_path / 'p'} --lookup-model embedded, or leave the library out" in refused.stderr
    assert json.loads(run("index", "verify", "--lookup-model", folder).stdout)["recall"] == 1
