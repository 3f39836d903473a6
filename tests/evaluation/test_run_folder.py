"""Reading runs: whole ones, torn ones, and folders that are none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.run_folder import Key, read_run
from testing.evaluation_runs import TWO_ARMS, suite_of, write_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", suite_of(6), TWO_ARMS)


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the first line of a file of lines."""
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    entry = json.loads(first)
    change(entry)
    path.write_text("\n".join([json.dumps(entry), *rest]) + "\n", encoding="utf-8")


def test_whole_run(folder: Path) -> None:
    run = read_run(folder)
    assert run.arms == ("base", "agent")
    assert run.suite == suite_of(6)
    assert run.file.seeds == (0, 1)
    assert run.notes == ()
    assert {arm: len(drawings) for arm, drawings in run.drawings.items()} == {"base": 12, "agent": 12}
    assert sorted(run.measured) == ["clip", "presence"]
    drawing = run.drawings["agent"][Key("p003", 1)]
    assert (drawing.generations, drawing.prompt, drawing.seed) == (2, "p003", 1)
    assert run.image(drawing) == folder / "images" / f"{drawing.image}.png"
    assert run.concepts["p003", "two teapots"].value == "2"


def test_torn_last_line_is_told_and_left_out(folder: Path) -> None:
    path = folder / "drawings.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    run = read_run(folder)
    assert run.notes == ("line 24 of drawings.jsonl is left out: the last line, torn off",)
    assert len(run.drawings["agent"]) == 11


def test_run_that_has_just_begun(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(2), TWO_ARMS)
    (folder / "drawings.jsonl").unlink()
    for path in (folder / "measured").iterdir():
        path.unlink()
    run = read_run(folder)
    assert not run.drawings
    assert not run.measured


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entry: entry.update(image="../../etc/passwd"), "image '../../etc/passwd' is no SHA-256"),
        (lambda entry: entry.pop("seed"), "seed: Field required"),
        (lambda entry: entry.update(score=float("nan")), "nan is no number that can be counted with"),
        (lambda entry: entry.update(tokens=10**38), f"{10**38} is no number that can be counted with"),
        (lambda entry: entry.update(generations=-(10**16)), f"{-(10**16)} is no number that can be counted with"),
        (
            lambda entry: entry.update(steps=10**400),
            f"1{'0' * 22} ... {'0' * 12} is no number that can be counted with",
        ),
        (lambda entry: entry["verdict"].update(owl=float("inf")), "inf is no number that can be counted with"),
    ],
)
def test_line_of_no_use_is_told_and_left_out(folder: Path, change: Callable[[dict[str, Any]], None], said: str) -> None:
    changed(folder / "drawings.jsonl", change)
    run = read_run(folder)
    assert run.notes == (f"line 1 of drawings.jsonl is left out: {said}",)
    assert len(run.drawings["base"]) == 11


def test_arms_prompts_and_repetitions_that_run_json_has_not(folder: Path) -> None:
    path = folder / "measured" / "presence.jsonl"
    changed(path, lambda entry: entry.update(arm="another"))
    again = path.read_text(encoding="utf-8").splitlines()[-1]
    last = json.loads(again) | {"value": 0.25}
    path.write_text(path.read_text(encoding="utf-8") + json.dumps(last) + "\n", encoding="utf-8")
    run = read_run(folder)
    assert run.notes == (
        "left out, since run.json has no such arm or prompt: 1 measurement of measured/presence.jsonl",
        "there more than once, of which the last one counts: 1 measurement of measured/presence.jsonl",
    )
    assert run.measured["presence"]["agent"][Key("p005", 1)].value == 0.25


def test_no_run(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match=r"'.*nowhere' is no run: it has no run.json; give the folder"):
        read_run(tmp_path / "nowhere")
    (folder / "run.json").write_text('{"suite": 3}', encoding="utf-8")
    with pytest.raises(UserError, match=r"run.json' is not what imagerag eval writes \(suite: "):
        read_run(folder)
    (folder / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="is not what imagerag eval writes"):
        read_run(folder)
