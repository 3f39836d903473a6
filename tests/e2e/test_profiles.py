"""Profiles from outside: the command line, a thread's second turn, programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.main import run
from imagerag.errors import UserError
from imagerag.graphs import build_graph
from imagerag.profiles.loading import PROFILES
from imagerag.settings import Settings
from testing.photographs import Photographer
from testing.scripted import ScriptedCritic
from testing.servers import Shelf

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path / "home"))
    profiles = tmp_path / "profiles.toml"
    profiles.write_text('[quick]\nlike = "pictograms"\nmax_generations = 1\nlibrary = ["own"]\n')
    monkeypatch.setenv(PROFILES, str(profiles))
    return tmp_path / "home"


def out(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    capsys.readouterr()
    assert run([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_second_turn_goes_on_with_the_profile_of_the_first(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert out(capsys, "an owl", "--thread", "t", "--profile", "quick")["profile"] == "quick"
    second = out(capsys, "make it blue", "--thread", "t", "--profile", "pictograms")
    assert second["profile"] == "quick"
    assert any("its own profile 'quick', not 'pictograms'" in note for note in second["notes"])
    shown = out(capsys, "profiles", "show", "--thread", "t")["values"]
    assert shown["profile"]["value"] == "quick"
    assert shown["max_generations"] == {"value": 1, "from": "profile 'quick'"}


def test_profiles_are_listed_with_what_lacks(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in out(capsys, "profiles")}
    assert {"pictograms", "local", "cloud", "comfyui", "quick"} <= set(rows)
    assert rows["quick"]["library"] == ["own"]
    assert "OPENAI_API_KEY not set" in rows["cloud"]["problem"]
    assert run(["profiles"]) == 0
    assert "cloud: an images API" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--profile", "lokal"], "profile 'lokal' is not known; give --profile one of: pictograms, local, cloud"),
        (["--profile", "pictograms", "--generator", "sdxl"], "--profile local, or insist with --critic clip"),
        (["--profile", "cloud"], "OPENAI_API_KEY not set"),
        (["--critic", "clip:NoModel:notag"], "critic 'clip:NoModel:notag' is not one of open_clip's (no architecture"),
        (["--lookup-model", "ViT-B-32:nonsense"], "give --lookup-model one of: ViT-B-32:openai"),
    ],
)
def test_what_can_not_be_sound_is_refused_before_anything_is_loaded(
    home: Path, capsys: pytest.CaptureFixture[str], flags: list[str], told: str
) -> None:
    assert run(["an owl", *flags]) == 2
    assert told in capsys.readouterr().err


def test_a_program_s_photographs_are_not_judged_as_pictograms(home: Path) -> None:
    graph = build_graph(generator=Photographer(), index=Shelf())
    with pytest.raises(UserError, match="insist with --critic clip"):
        graph.invoke({"prompt": "a cat"}, {"configurable": {"thread_id": "t"}}, context=Settings(profile="pictograms"))


def test_the_result_of_a_program_s_own_parts_tells_no_profile_note(home: Path) -> None:
    graph = build_graph(generator=Photographer(), critic=ScriptedCritic([0.9]), index=Shelf())
    notes = [
        chunk["text"]
        for chunk in graph.stream(
            {"prompt": "a cat"}, {"configurable": {"thread_id": "t"}}, context=Settings(), stream_mode="custom"
        )
        if chunk["event"] == "note"
    ]
    assert notes == []
