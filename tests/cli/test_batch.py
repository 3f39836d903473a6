"""``imagerag batch``: every row has its image or its reason, and a batch goes on where it was ended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.main import run
from imagerag.errors import DrawingFailed, GeneratorUnavailable
from imagerag.store.manifest import read_manifest
from testing.scripted import ScriptedCritic, Squares

Typed = Callable[..., tuple[int, str, str]]


class Painter(Squares):
    """Squares, but for prompts that say otherwise."""

    def draw(self, request: Any, *control: Any) -> Any:
        if "impossible" in request.prompt:
            raise DrawingFailed("it can't be drawn")
        if "away" in request.prompt:
            raise GeneratorUnavailable("the server is gone")
        if "crash" in request.prompt:
            raise RuntimeError("boom")
        return super().draw(request, *control)


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> Painter:
    drawn_by = Painter()
    monkeypatch.setattr("imagerag.graphs.components.load_generator", lambda *named: drawn_by)
    monkeypatch.setattr("imagerag.graphs.components.load_critic", lambda *named, **also: ScriptedCritic([0.9] * 99))
    return drawn_by


@pytest.fixture
def typed(
    tmp_path: Path, painter: Painter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    monkeypatch.chdir(tmp_path)

    def type_in(*words: str) -> tuple[int, str, str]:
        status = run(["batch", *words, "--home", str(tmp_path / "home")])
        told = capsys.readouterr()
        return status, told.out, told.err

    return type_in


def test_rows_are_drawn_bad_ones_told_and_all_are_on_one_page(tmp_path: Path, typed: Typed) -> None:
    table = "prompt,seed,name\nan owl,7,\n,1,\n<b>a cat</b>,8,mine\nan impossible dog,9,\na crash,1,\na fox,x,\n"
    Path("p.csv").write_text(table, encoding="utf-8")
    status, out, _ = typed("p.csv")
    assert status == 1
    for told in (
        "line 3 has no image: the prompt '' is empty",
        "line 7 has no image: seed is 'x'",
        "1/6  an owl: score 0.90  001-an-owl.png",
        "3/6  <b>a cat</b>: score 0.90  003-mine.png",
        "line 5 (an impossible dog) has no image: ",
        "it can't be drawn",
        "line 6 (a crash) has no image: the run failed (RuntimeError: boom)",
        "2 of 6 have an image, 4 have none",
        f"page: {tmp_path / 'p' / 'batch.html'}",
    ):
        assert told in out
    assert read_manifest(tmp_path / "p" / "003-mine.png").seed == 8
    page = (tmp_path / "p" / "batch.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 2
    assert "&lt;b&gt;a cat" in page
    assert "<b>" not in page
    assert "2 of 6 have an image" in page
    assert str(tmp_path) not in page


@pytest.mark.parametrize("flag", ["--library", "--profile", "--lookup-model", "--generator", "--vlm", "--critic"])
def test_a_part_that_no_row_can_be_drawn_with_is_one_error(tmp_path: Path, typed: Typed, flag: str) -> None:
    Path("p.txt").write_text("an owl\na cat\n", encoding="utf-8")
    status, out, err = typed("p.txt", flag, "nosuch")
    assert (status, out) == (2, "")
    (line,) = err.strip().splitlines()
    assert "'nosuch' is not" in line
    assert not (tmp_path / "p").exists()


def test_a_part_that_one_row_names_is_that_rows_own(typed: Typed) -> None:
    Path("p.csv").write_text("prompt,critic\nan owl,nosuch\na cat,\n", encoding="utf-8")
    status, out, _ = typed("p.csv")
    assert status == 1
    assert "line 2 (an owl) has no image: critic 'nosuch' is not" in out


def test_what_is_there_is_not_drawn_again(tmp_path: Path, typed: Typed, painter: Painter) -> None:
    Path("p.txt").write_text("an owl\na cat\n", encoding="utf-8")
    assert typed("p.txt", "--out", "o")[0] == 0
    drawn, files = len(painter.requests), sorted(os.listdir("o"))
    Path("p.txt").write_text("a dog\nan owl\na cat\n", encoding="utf-8")
    status, out, _ = typed("p.txt", "--out", "o", "--json")
    told = json.loads(out)
    assert (status, told["done"], told["failed"], told["kept"]) == (0, 3, 0, 2)
    assert [Path(row["image"]).name for row in told["rows"]] == ["001-a-dog.png", "001-an-owl.png", "002-a-cat.png"]
    assert len(painter.requests) == drawn + 1
    assert sorted(os.listdir("o")) == sorted([*files, "001-a-dog.png"])
    Path("o/002-a-cat.png").unlink()
    assert "3 of 3 are there from before" in typed("p.txt", "--out", "o")[1]
    assert Path("o/002-a-cat.png").is_file(), "the store still had it"
    assert len(painter.requests) == drawn + 1


def test_two_files_of_one_name_do_not_mix(tmp_path: Path, typed: Typed, painter: Painter) -> None:
    for name, prompt in (("a", "an owl"), ("b", "a cat"), ("b", "a cat")):
        Path(name).mkdir(exist_ok=True)
        Path(name, "list.txt").write_text(f"{prompt}\n", encoding="utf-8")
        status, out, err = typed(f"{name}/list.txt")
        assert status == 0
        assert f"page: {tmp_path / ('list' if name == 'a' else 'list-2') / 'batch.html'}" in out
        assert ("since 'list.txt' has the folder of its name" in err) == (name == "b")
    assert "an owl" in Path("list/batch.html").read_text(encoding="utf-8")
    assert "an owl" not in Path("list-2/batch.html").read_text(encoding="utf-8")
    assert len(painter.requests) == 2
    status, _, err = typed("b/list.txt", "--out", "list")
    assert (status, "holds the batch of another file" in err) == (2, True)


def test_one_that_failed_is_tried_again(typed: Typed, painter: Painter) -> None:
    Path("p.txt").write_text("an impossible owl\n", encoding="utf-8")
    assert typed("p.txt")[0] == 1
    type(painter).draw, before = Squares.draw, type(painter).draw
    try:
        assert typed("p.txt")[0] == 0
    finally:
        type(painter).draw = before


def test_a_server_that_is_gone_ends_the_batch_and_says_how_to_go_on(typed: Typed, painter: Painter) -> None:
    Path("p.txt").write_text("an owl\naway\na cat\n", encoding="utf-8")
    status, _, err = typed("p.txt")
    assert status == 2
    assert "line 2: " in err
    assert "1 of 3 rows are drawn and kept in" in err
    assert "the same command goes on" in err
    assert len(painter.requests) == 1


def test_nothing_is_written_over(tmp_path: Path, typed: Typed) -> None:
    Path("p.txt").write_text("an owl\n", encoding="utf-8")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "001-an-owl.png").write_bytes(b"mine")
    assert typed("p.txt")[0] == 0
    assert (tmp_path / "p" / "001-an-owl.png").read_bytes() == b"mine"
    assert (tmp_path / "p" / "001-an-owl-2.png").is_file()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills")
def test_a_batch_that_is_killed_goes_on_and_leaves_no_second_copy(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("".join(f"an owl and {n} cats\n" for n in (2, 3, 4)), encoding="utf-8")
    command = [sys.executable, "-m", "imagerag", "batch", "p.txt", "--home", "home", "--mode", "no_lookup"]
    command += ["--max-generations", "1", "--seed", "7"]
    paths = os.pathsep.join(path for path in sys.path if path)
    environ = {**os.environ, "PYTHONPATH": paths}
    first = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = tmp_path / "p" / "batch.jsonl"
    until = time.monotonic() + 120
    while not journal.exists() and time.monotonic() < until:
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert journal.exists()
    again = subprocess.run([*command, "--json"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert (told["done"], told["kept"] >= 1) == (3, True)
    assert sorted(path.name for path in (tmp_path / "p").glob("*.png")) == [
        f"00{row}-an-owl-and-{n}-cats.png" for row, n in ((1, 2), (2, 3), (3, 4))
    ]
