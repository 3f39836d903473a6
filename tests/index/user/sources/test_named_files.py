"""Files that tables name in the ways of their writers."""

from pathlib import Path

import pytest

from imagerag.index.user.sources.beside import Beside
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.named_files import file_named


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("img/a.png", "img/a.png"),
        ("./img/a.png", "./img/a.png"),
        ("img\\a.png", "img/a.png"),
        ("img/a", "img/a.png"),
        ("img\\a", "img/a.png"),
        ("C:\\train\\b.png", "b.png"),
        ("C:\\train\\b", "b.png"),
        ("v1.5", "v1.5.png"),
        ("gone.png", "gone.png"),
        ("b.jpg", "b.jpg"),
        ("a\0b", "a\0b"),
    ],
)
def test_paths(path: str, meant: str, tmp_path: Path) -> None:
    (tmp_path / "img").mkdir()
    for name in ("img/a.png", "img/a.txt", "b.png", "v1.5.png"):
        (tmp_path / name).touch()
    assert file_named(path, str(tmp_path), Beside(Confined(tmp_path))) == f"{tmp_path}/{meant}"


def test_absolute_paths_and_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.png").touch()
    assert file_named(str(tmp_path / "a.png"), "/nowhere", Beside(Confined(tmp_path))) == str(tmp_path / "a.png")
    assert file_named("~/a.png", "/nowhere", Beside(Confined(tmp_path))) == str(tmp_path / "a.png")
