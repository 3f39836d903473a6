"""The copy of an image under a readable name, and showing it outside the terminal."""

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.main import run
from imagerag.cli.result_file import copy_here, open_file
from testing.scripted import Squares


def document(stored: Path) -> Any:
    return {"prompt": "An owl, red!", "image": str(stored), "images": [{"best": True, "path": str(stored)}]}


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    file = tmp_path / "store" / "ab12.png"
    file.parent.mkdir()
    file.write_bytes(b"pixels")
    return file


def test_a_copy_lies_here_and_none_is_written_over(
    tmp_path: Path, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("an-owl-red.png", "an-owl-red-2.png"):
        told = document(stored)
        assert copy_here(told, None) == ""
        assert told["image"] == told["images"][0]["path"] == str(tmp_path / name)
    told = document(stored)
    assert copy_here(told, "Mine") == ""
    assert Path(told["image"]).read_bytes() == b"pixels"
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["Mine.png", "an-owl-red-2.png", "an-owl-red.png"]


def test_what_can_not_be_copied_stays_where_it_is_and_is_told(
    tmp_path: Path, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stored.unlink()
    told = document(stored)
    assert "the image stays in the data directory: " in copy_here(told, None)
    assert told["image"] == str(stored)


def test_a_file_is_shown_by_what_browser_names(tmp_path: Path, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setenv("BROWSER", "something")
    monkeypatch.setattr("webbrowser.open", lambda address: not opened.append(address))
    assert open_file(stored) == ""
    assert opened == [stored.as_uri()]
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert "nothing on this machine opens" in open_file(stored)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="a screen is always there")
def test_without_a_screen_nothing_is_tried(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("webbrowser.open", lambda address: pytest.fail("a browser in the terminal would take it over"))
    assert "the variable BROWSER" in open_file(stored)


@pytest.mark.slow
def test_a_run_leaves_its_image_here_under_the_name_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr("imagerag.graphs.components.load_generator", lambda *named: Squares())
    once = ["--mode", "no_lookup", "--max-generations", "1", "--home", str(tmp_path / "home")]
    assert run(["an owl", *once, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["image"] == str(here / "an-owl.png") == next(one["path"] for one in told["images"] if one["best"])
    assert run(["an owl", *once, "--quiet", "--name", "mine.png"]) == 0
    assert capsys.readouterr().out.strip() == str(here / "mine.png")
    assert run(["an owl", *once, "--quiet", "--no-copy"]) == 0
    assert capsys.readouterr().out.startswith(str(tmp_path / "home"))
    assert run(["an owl", *once, "--quiet", "--out", "o", "--name", "mine"]) == 0
    assert capsys.readouterr().out.strip() == str(here / "o" / "mine-1.png")
    assert sorted(os.listdir(here)) == ["an-owl.png", "mine.png", "o"]
    assert run(["an owl", *once, "--name", "a/b"]) == 2
    assert "'a/b' is no name of a file" in capsys.readouterr().err
    if getattr(os, "getuid", int)():  # root may write everywhere
        here.chmod(stat.S_IRUSR | stat.S_IXUSR)
        assert run(["an owl", *once, "--quiet"]) == 0
        assert "stays in the data directory" in capsys.readouterr().err
        here.chmod(0o700)


@pytest.mark.slow
def test_an_answer_in_words_leaves_no_second_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    there = ["--home", str(tmp_path / "home"), "--thread", "t", "--quiet"]
    assert run(["an owl", *there]) == 0
    assert run(["thanks!", *there]) == 0
    assert [path.name for path in tmp_path.glob("*.png")] == ["an-owl.png"]
