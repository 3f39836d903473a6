"""Result files: readable names, never over another file."""

import re
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
