"""One check of the parts' names: a run, a server, the doctor and ``profiles show`` say the same."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagerag import plugins
from imagerag.cli.parser import parse
from imagerag.doctor import examine
from imagerag.errors import UserError
from imagerag.profiles import resolve
from imagerag.profiles.names import check_parts, wrong_parts
from imagerag.settings import Settings

WRONG = [
    ({"vlm": "nosuch"}, "vlm 'nosuch' is not known"),
    ({"vlm": "nosuch:x"}, "provider 'nosuch' is not known"),
    ({"critic": "nosuch"}, "critic 'nosuch' is not known"),
    ({"critic": "clip:nosuch"}, "critic 'clip:nosuch' is not understood"),
    ({"lookup_model": "embedded,nosuch"}, "lookup_model 'nosuch' is not understood"),
    ({"library": ("own", "nosuch")}, "library 'nosuch' is not known"),
    ({"library": ("No Name",)}, "library 'No Name' can't be a name"),
    ({"generator": "comfyui:nosuch.json@http://127.0.0.1:9"}, "'nosuch.json'"),
    ({"vlm": "replay:/nosuch"}, "recording '/nosuch' can't be read"),
    ({"critic": "replay:/nosuch"}, "recording '/nosuch' can't be read"),
    ({"rerank": "vlm"}, "rerank 'vlm' needs a model that takes images"),
    ({"mcp_server": ("serve",)}, "vlm 'rules' decides by rules"),
    ({"mcp_allow": ("look",)}, "vlm 'rules' decides by rules"),
]


def flags(given: dict[str, Any]) -> list[str]:
    values = {name: ",".join(value) if isinstance(value, tuple) else value for name, value in given.items()}
    return [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", value)]


def drawn(*argv: str) -> None:
    command, options = parse(["an owl", *argv])
    command.runner()(options, io.StringIO())


def shown(*argv: str) -> None:
    command, options = parse(["profiles", "show", *argv])
    command.runner()(options, io.StringIO())


@pytest.mark.parametrize(("given", "told"), WRONG, ids=[told for _, told in WRONG])
def test_a_wrong_part_is_refused_by_all_in_the_same_words(given: dict[str, Any], told: str, tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path), **given)
    with pytest.raises(UserError) as refused:
        check_parts(resolve(settings))
    assert told in str(refused.value)
    for entry in (drawn, shown):
        with pytest.raises(UserError) as same:
            entry("--home", str(tmp_path), *flags(given))
        assert str(same.value) == str(refused.value)
    found = [one for one in examine(settings, offline=True).findings if told in one.text]
    assert [one.status for one in found] == ["wrong"]


def test_a_profile_of_ones_own_is_checked_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "profiles.toml").write_text('[mine]\nlike = "pictograms"\ngenerator = "nosuch"\n')
    monkeypatch.setenv("IMAGERAG_PROFILES", str(tmp_path / "profiles.toml"))
    with pytest.raises(UserError, match="generator 'nosuch' is not known"):
        shown("--profile", "mine")


@pytest.mark.parametrize("call", [drawn, shown])
def test_a_package_that_can_not_be_imported_is_told_before_anything_is_drawn(
    call: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry = plugins.EntryPoint("broken", "no_such_module:MAKE", "imagerag.searches")
    found = {group: {"broken": entry} if group == "searches" else {} for group in plugins.GROUPS}
    monkeypatch.setattr(plugins, "_entry_points", lambda: found)
    with pytest.raises(UserError, match="'broken' of the package 'unknown' can't be loaded"):
        call("--home", str(tmp_path), "--library", "broken")


def test_names_that_may_be_are_left_alone(tmp_path: Path) -> None:
    given = Settings(home=str(tmp_path), critic="openai:gpt-5", vlm="ollama:qwen3-vl", lookup_model="ViT-B-32:openai")
    assert wrong_parts(resolve(given)) == {}
