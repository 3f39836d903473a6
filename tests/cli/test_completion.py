"""The scripts for shells: made from the parser, so that they know every command and flag."""

import subprocess
from pathlib import Path
from shutil import which

import pytest

from imagerag.cli.commands import COMMANDS
from imagerag.cli.main import run
from imagerag.cli.options import SHELLS


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script_with_all_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(command.name in script for command in COMMANDS)
    if shell != "tcsh":  # which has the first word alone
        assert "rename" in script
        assert "rephrase_only" in script


def test_bash_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if which("bash") is None:
        pytest.skip("there is no bash")
    assert run(["completion", "bash"]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out, encoding="utf-8")
    ask = f"""source {script}
    ask() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _shtab_imagerag; echo "${{COMPREPLY[@]}}"; }}
    ask imagerag th; ask imagerag threads re; ask imagerag --asp; ask imagerag draw --mode reph"""
    found = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["threads", "rename", "--aspect", "rephrase_only"]


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "cmd"]) == 2
    assert "invalid choice: 'cmd'" in capsys.readouterr().err
