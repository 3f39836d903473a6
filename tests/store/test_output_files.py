"""Result files: readable names, never over another file."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.store.output_files import readable_name, write_new


class TestFiles:
    def test_never_over_another(self, tmp_path: Path) -> None:
        first = write_new(tmp_path, "owl", ".png", b"1")
        second = write_new(tmp_path, "owl", ".png", b"2")
        assert (first.name, second.name) == ("owl.png", "owl-2.png")
        assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
        assert len(list(tmp_path.iterdir())) == 2

    def test_ended_while_it_gives_the_name_it_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        for step in ("link", "replace"):
            monkeypatch.setattr(f"imagerag.store.output_files.os.{step}", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_new(tmp_path, "owl", ".png", b"1")
        assert list(tmp_path.iterdir()) == []

    def test_without_hard_links_never_over_another(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(*_: object) -> None:
            raise PermissionError(1, "as on FAT")

        monkeypatch.setattr("imagerag.store.output_files.os.link", refused)
        for content in (b"1", b"2"):
            assert write_new(tmp_path, "owl", ".png", content).read_bytes() == content
        assert sorted(file.name for file in tmp_path.iterdir()) == ["owl-2.png", "owl.png"]

    def test_what_a_killed_process_left_is_removed(self, tmp_path: Path) -> None:
        command = [
            sys.executable, "-c", "import os, sys, pathlib; from imagerag.store import output_files; "
            "os.fsync = lambda handle: os.kill(os.getpid(), 9); "
            "output_files.write_new(pathlib.Path(sys.argv[1]), 'owl', '.png', b'1')", str(tmp_path),
        ]  # fmt: skip
        subprocess.run(command, check=False)
        assert len(list(tmp_path.iterdir())) == 1
        assert write_new(tmp_path, "owl", ".png", b"2").name == "owl.png"
        assert [file.name for file in tmp_path.iterdir()] == ["owl.png"]

    def test_nothing_left_of_a_failed_write(self, tmp_path: Path) -> None:
        blocked = tmp_path / "file"
        blocked.write_bytes(b"")
        with pytest.raises(UserError, match=re.escape(repr(str(blocked)))):
            write_new(blocked, "owl", ".png", b"1")

    @pytest.mark.parametrize(
        ("prompt", "name"),
        [("A lobster, in a kimono!", "a-lobster-in-a-kimono"), ("../../etc", "etc"), ("🦉", "image"), ("сова", "сова")],
    )
    def test_readable(self, prompt: str, name: str) -> None:
        assert readable_name(prompt) == name
