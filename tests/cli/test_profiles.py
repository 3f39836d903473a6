"""``imagerag profiles``: its output in words; ``tests/e2e/test_profiles.py`` reads the JSON."""

import io
from pathlib import Path

import pytest

from imagerag.cli.parser import parse


def told(*argv: str) -> str:
    command, options = parse(["profiles", *argv])
    out = io.StringIO()
    assert command.runner()(options, out) == 0
    return out.getvalue()


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_without_a_word_they_are_listed() -> None:
    assert told() == told("list")
    assert "pictograms: embedded: draws pictograms at once" in told()
    assert "lacking: profile 'cloud' can't be used here (OPENAI_API_KEY not set" in told()


def test_each_value_is_shown_with_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_MAX_STEPS", "7")
    lines = {line.split()[0]: line for line in told("show", "--generator", "sdxl").splitlines()}
    assert lines["generator"].split(maxsplit=2)[1:] == ["sdxl", "flag --generator"]
    assert lines["critic"].endswith("profile 'local'")
    assert lines["max_steps"].split(maxsplit=2)[1:] == ["7", "variable IMAGERAG_MAX_STEPS"]
    assert lines["lookup_floor"].split()[1:] == ["none", "default"]


def test_a_part_that_does_not_fit_is_noted() -> None:
    assert "note: critic 'clip' judges pictograms" in told("show", "--generator", "sdxl", "--critic", "clip")
