"""The commands ``imagerag index`` and ``imagerag search``: bad input is refused in one line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.main import run
from imagerag.index.user.ingest import Ingest
from imagerag.index.user.sources.items import Source
from imagerag.index.user.vector_store import VectorStore
from testing.user_pictures import save_picture


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["index", "add"], "needs a folder"),
        (["index", "add", "/no/such/folder"], "'/no/such/folder' does not exist"),
        (["index", "add", ".", "--engine", "spark"], "engine 'spark' is unknown"),
        (["index", "status", "x"], "'x' is of no use"),
        (["index", "add", ".", "--lookup-model", "ViT-B-32:nosuch"], "give --lookup-model one of: ViT-B-32:openai"),
        (["search", "an owl", "-k", "0"], "k 0 is below 1"),
        (
            ["search", "an owl", "--lookup-model", "nosuch"],
            "CLIP model 'nosuch' is not understood; give --lookup-model embedded",
        ),
        (
            ["search", "an owl", "--model", "nosuch"],
            "CLIP model 'nosuch' is not understood; give --lookup-model embedded",
        ),
        (["search", "an owl", "--floor", "nan"], "--floor nan is no number"),
        (["search", "an owl", "--library", "nosuch"], "library 'nosuch' is not known"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--home", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert says in line


EACH = ("status", "verify", "rebuild", "calibrate", "remove")


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        (
            "--library",
            "library 'nosuch' is not known; give --library some of: bundled, own, ",
        ),
        ("--profile", "profile 'nosuch' is not known; give --profile one of: pictograms, local"),
        ("--lookup-model", "CLIP model 'nosuch' is not understood; give --lookup-model embedded"),
    ],
)
@pytest.mark.parametrize("command", EACH)
def test_a_name_of_nothing_is_never_passed_over(
    command: str, flag: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["index", command, flag, "nosuch", "--home", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert says in line


@pytest.mark.slow
def test_adding_calibrates_and_status_tells_it(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "imagerag", "index", *arguments, "--home", str(tmp_path / "home")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    save_picture(tmp_path / "p", "owl.png", "owl")
    assert "is uncalibrated: fewer than 40 pictures have captions" in run("add", str(tmp_path / "p"))
    assert "5% false positives" in run("calibrate")
    assert "5% false positives" in run("status")
    assert "bundled library: embedded-clip@" in run("status")
    assert "is calibrated on 720 drawings of known truth; look-ups take" in run("status")
    assert json.loads(run("status", "--json"))["calibration"]["kind"] == "pictograms"
    (fitted,) = json.loads(run("status", "--json"))["own"]["calibrations"]
    assert (fitted["kind"], fitted["pictures"], fitted["calibrated"]) == ("names", 1, False)
    assert json.loads(run("calibrate", "--json")) == fitted
    assert json.loads(run("add", str(tmp_path / "p"), "--json"))["calibration"] is None
    added = run("add", str(tmp_path / "p"), "--shows", "pictograms", "--json")
    assert json.loads(added)["calibration"] == {**fitted, "shows": "pictograms"}


@pytest.mark.slow
def test_what_was_added_before_an_interrupt_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, name in (("a", "owl"), ("b", "cat"), ("c", "lobster")):
        save_picture(tmp_path / folder, f"{name}.png", name)
    whole = Ingest.run

    def run_until_the_third(adding: Ingest, source: Source, *arguments: Any) -> None:
        if source.name.endswith("c"):
            raise KeyboardInterrupt
        whole(adding, source, *arguments)

    monkeypatch.setattr(Ingest, "run", run_until_the_third)
    command = [
        "index",
        "add",
        *(str(tmp_path / folder) for folder in "abc"),
        "--home",
        str(tmp_path / "home"),
        "--json",
    ]
    assert run(command) == 130
    kept = "2 pictures were added and are kept, 2 are there in all; give the same command again to go on"
    captured = capsys.readouterr()
    assert captured.err.endswith(f"imagerag: cancelled; {kept}\n")
    assert json.loads(captured.out) == {"stop_reason": "cancelled", "error": f"cancelled; {kept}"}
    monkeypatch.undo()
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["added"] == 1


@pytest.mark.slow
def test_an_interrupted_rebuild_says_what_is_kept_and_look_ups_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "home"), "--json"]
    save_picture(tmp_path / "p", "owl.png", "owl")
    assert run(["index", "add", str(tmp_path / "p"), *home]) == 0

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(VectorStore, "_fill_vectors", interrupted)
    capsys.readouterr()
    assert run(["index", "rebuild", *home]) == 130
    captured = capsys.readouterr()
    kept = "pictures and embeddings are all kept, and look-ups find them; give the same command again"
    assert f"imagerag: cancelled; {kept}" in captured.err
    monkeypatch.undo()
    assert run(["search", "an owl", "--library", "own", *home]) == 0
    assert [one["caption"] for one in json.loads(capsys.readouterr().out)] == ["owl"]
    assert run(["index", "rebuild", *home]) == 0
    capsys.readouterr()
    assert run(["index", "verify", *home]) == 0
