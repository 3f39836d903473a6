"""What a program reads from standard output, whatever a plug-in, a C library or a command writes there besides."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagerag.cli import result_stream
from imagerag.cli.result_stream import results_alone

NOISY = """
import atexit, ctypes, os, subprocess, sys

def make_noise(when):
    print("print", when)
    os.write(1, f"write {when}\\n".encode())
    subprocess.run([sys.executable, "-c", f"print('command {when}')"])
    if os.name == "posix":
        libc = ctypes.CDLL(None)
        libc.puts(f"library {when}".encode())
        libc.fflush(None)
    sys.stdout.flush()

make_noise("loaded")
atexit.register(make_noise, "ended")

def check(picture, kind):
    make_noise(kind)
    return ""
"""
WHEN = ("loaded", "drawn", "ended")


@pytest.fixture
def noisy(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which a package with a check of pictures is installed that writes everywhere."""
    packages = tmp_path / "packages"
    about = packages / "noisy-1.dist-info"
    about.mkdir(parents=True)
    (packages / "noisy.py").write_text(NOISY, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[imagerag.moderations]\nnoisy = noisy:check\n", encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(packages), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "IMAGERAG_HOME": str(tmp_path / "home")}


def imagerag(noisy: dict[str, str], folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "imagerag", *arguments],
        env=noisy,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def assert_told_aside(stderr: str, whens: tuple[str, ...] = WHEN) -> None:
    for how in ("print", "write", "command", *(("library",) if os.name == "posix" else ())):
        for when in whens:
            assert f"{how} {when}" in stderr, stderr


def test_a_document_is_alone_whatever_a_plug_in_writes(noisy: dict[str, str], tmp_path: Path) -> None:
    done = imagerag(noisy, tmp_path, "an owl", "--json", "--max-generations", "1")
    assert done.returncode == 0, done.stderr
    assert Path(json.loads(done.stdout)["image"]).is_file()
    assert_told_aside(done.stderr)


def test_a_path_is_alone_likewise(noisy: dict[str, str], tmp_path: Path) -> None:
    done = imagerag(noisy, tmp_path, "an owl", "--quiet", "--max-generations", "1")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.removesuffix("\n")).is_file(), done.stdout
    assert_told_aside(done.stderr)


def test_messages_of_mcp_are_alone_likewise(noisy: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    from mcp import Client, StdioServerParameters, stdio_client

    told = tmp_path / "stderr"
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "imagerag", "mcp", "--max-generations", "1"], env=noisy
    )
    messages: list[object] = []

    async def main() -> None:
        async def heed(message: object) -> None:
            messages.append(message)

        with told.open("w") as stderr:
            async with Client(stdio_client(server, errlog=stderr), message_handler=heed) as client:
                result = await client.call_tool("create_image", {"prompt": "an owl", "seed": 7})
                assert not result.is_error, result.content

    asyncio.run(main())
    assert [message for message in messages if isinstance(message, Exception)] == []
    assert_told_aside(told.read_text(encoding="utf-8"), WHEN[:2])


def test_a_reader_that_has_gone_ends_the_command_as_ever(noisy: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "imagerag", "an owl", "--json", "--max-generations", "1"],
        env=noisy,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    assert process.wait(timeout=300) == 141, told
    assert "Traceback" not in told
    assert "BrokenPipe" not in told


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are no such terminals")
def test_a_terminal_that_is_closed_ends_it_as_ever(tmp_path: Path) -> None:
    import pty

    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "imagerag", "a lobster in a kimono", "--n", "16", "--json", "--home", str(tmp_path)],
        cwd=tmp_path,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    assert process.stderr is not None
    time.sleep(2)
    os.close(terminal)
    process.send_signal(signal.SIGHUP)
    told = process.stderr.read()
    assert process.wait(timeout=60) == 128 + signal.SIGHUP, told
    assert "Traceback" not in told


def test_descriptors_are_what_they_were_afterwards() -> None:
    script = """
import os, sys
from imagerag.cli import result_stream
from imagerag.cli.result_stream import results_alone
before = os.fstat(1)
for number in range(3):
    with results_alone(sys.stdout) as results:
        print("aside")
        print("result", number, file=results)
        (private,) = result_stream.moved
        assert not os.get_inheritable(private)
    assert not result_stream.moved
assert os.path.sameopenfile(1, 1) and os.fstat(1) == before
print("after")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.split() == ["result", "0", "result", "1", "result", "2", "after"]
    assert done.stderr.split() == ["aside"] * 3


def test_where_a_program_catches_what_is_printed_nothing_is_moved(capsys: pytest.CaptureFixture[str]) -> None:
    with results_alone(sys.stdout) as results:
        assert results is sys.stdout
        assert not result_stream.moved
