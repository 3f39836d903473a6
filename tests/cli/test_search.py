"""``imagerag search``: what is below the look-up floor of a run is not found, and the output says how to see it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.cli.parser import parse
from imagerag.cli.search import _below
from imagerag.index.base import Hit
from imagerag.profiles.resolve import resolve_lookup_floor
from imagerag.settings import Settings

HIT = Hit("0" * 64, Path("owl.png"), "owl", (), 0.31, "Noto Emoji u1f989", "Apache-2.0", "noto")


def test_the_floor_is_that_of_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert parse(["search", "an owl"])[1].floor is None
    assert parse(["search", "an owl", "--floor", "-1"])[1].floor == -1
    assert resolve_lookup_floor(Settings()) is None
    own = tmp_path / "profiles.toml"
    own.write_text('[strict]\nlike = "pictograms"\nlookup_floor = 0.4\n', encoding="utf-8")
    monkeypatch.setenv("IMAGERAG_PROFILES", str(own))
    assert resolve_lookup_floor(Settings(profile="strict")) == 0.4
    assert resolve_lookup_floor(Settings(profile="strict", lookup_floor=0.2)) == 0.2


def test_what_is_below_the_floor_is_told_with_the_way_to_see_it() -> None:
    assert _below(None, None) == ""
    told = _below(replace(HIT, title="o\x1bwl"), None)
    assert told.startswith("nothing is above the look-up floor for these words (the nearest is 'o")
    assert "\x1b" not in told
    assert told.endswith("at 0.31); to see what is below it: --floor -1")
    assert "above --floor 0.9 for" in _below(HIT, 0.9)


@pytest.mark.slow
def test_nonsense_finds_nothing_unless_the_floor_is_lowered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nonsense = ["search", "zqxvw grmpfl", "--home", str(tmp_path)]
    assert run(nonsense) == 0
    assert capsys.readouterr().out.startswith("nothing is above the look-up floor")
    assert run([*nonsense, "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == []
    assert "--floor -1" in captured.err
    assert run([*nonsense, "--floor", "-1", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 8
    assert run(["search", "an owl", "--home", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "caption"),
    [("ein roter Apfel", "red apple"), ("собака", "dog"), ("🦜", "parrot")],
)
def test_other_languages_and_emoji_are_looked_up_in_english(
    words: str, caption: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["search", words, "-k", "1", "--json", "--home", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert [entry["caption"] for entry in json.loads(printed.out)] == [caption]
    assert "note: " in printed.err
