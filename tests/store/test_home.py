"""The data directory."""

import sys
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.store.home import home_directory
from testing.stored_images import on_small_disk


class TestHome:
    def test_precedence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path / "environment"))
        assert home_directory() == tmp_path / "environment"
        assert home_directory(tmp_path / "given" / "deep") == tmp_path / "given" / "deep"
        assert (tmp_path / "given" / "deep").is_dir()
        monkeypatch.delenv("IMAGERAG_HOME")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        if sys.platform == "linux":
            assert home_directory() == tmp_path / "data" / "imagerag"

    def test_relative_and_tilde(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path / "me"))
        assert home_directory("here") == tmp_path / "here"
        assert home_directory("~/there") == tmp_path / "me" / "there"

    @pytest.mark.parametrize("below", ["", "home", "deep/home"])
    def test_file_in_the_way(self, below: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(UserError, match="IMAGERAG_HOME") as caught:
            home_directory(tmp_path / "file" / below)
        assert str(tmp_path / "file") in str(caught.value)
        assert (tmp_path / "file").read_text() == "mine"

    def test_read_only(self, tmp_path: Path) -> None:
        script = (
            "import sys\nfrom imagerag.errors import UserError\nfrom imagerag.store.home import home_directory\n"
            "try: home_directory(sys.argv[1])\nexcept UserError as error: print(error)"
        )
        said = on_small_disk(script, tmp_path / "disk", 'mount -o remount,ro "$0"')
        assert repr(str(tmp_path / "disk")) in said
        assert "Read-only file system" in said
        assert "set IMAGERAG_HOME" in said
