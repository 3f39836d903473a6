"""Parts that are refused: the line names what was typed, and each way out that it names is one."""

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.cli.parser import parse
from imagerag.cli.setting_flags import settings_of
from imagerag.errors import UserError
from imagerag.profiles.loading import PROFILES, load_profiles
from imagerag.profiles.resolve import Given, resolve
from imagerag.settings import Settings, load_settings

GENERATORS = (
    "patchwork",
    "sdxl",
    "diffusers:some/model",
    "openai:x@http://127.0.0.1:1/v1",
    "comfyui:http://127.0.0.1:1",
)
CRITICS = ("clip", "clip:ViT-B-32:laion2b_s34b_b79k", "openai:x@http://127.0.0.1:1/v1")
MODELS = ("embedded", "ViT-B-32:laion2b_s34b_b79k", "embedded,ViT-B-32:laion2b_s34b_b79k")
LIBRARIES = ("bundled", "own", "bundled,own")
NAMES = ("mine", "odd", *load_profiles({}))
OWN = """
[mine]
like = "local"
lookup_model = "embedded"
[odd]
like = "pictograms"
generator = "sdxl"
"""
DRAWS = "draws photographs; "


@pytest.fixture(autouse=True)
def own_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    file = tmp_path / "profiles.toml"
    file.write_text(OWN)
    monkeypatch.setenv(PROFILES, str(file))


def refused(flags: list[str], environ: dict[str, str]) -> str:
    """What refuses these parts for not going together; empty where nothing does."""
    _, options = parse(["draw", "a fox", *flags])
    try:
        resolve(load_settings(settings_of(options), environ))
    except UserError as error:
        return str(error) if DRAWS in str(error) else ""
    return ""


def ways_out(error: str, flags: list[str], environ: dict[str, str]) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The command lines and variables that the last part of a refusal tells to use."""
    for way in error.partition(DRAWS)[2].partition(": ")[2].split(", or "):
        left = environ
        if way.startswith("unset"):
            named = re.findall(r"variable (\w+)", error.partition(DRAWS)[2])
            left = {name: value for name, value in environ.items() if name not in named}
        told = shlex.split(way[way.index("--") :]) if "--" in way else []
        assert told or left != environ, error
        typed = (
            dict(zip(flags[::2], flags[1::2], strict=True)) | dict(zip(told[::2], told[1::2], strict=True))
            if told
            else {}
        )
        yield (list(itertools.chain(*typed.items())) if told else flags), left


def combinations() -> Iterator[list[tuple[str, str]]]:
    parts = (
        ("generator", GENERATORS),
        ("critic", CRITICS),
        ("lookup-model", MODELS),
        ("library", LIBRARIES),
        ("profile", NAMES),
    )
    for values in itertools.product(*((None, *values) for _, values in parts)):
        yield [(name, value) for (name, _), value in zip(parts, values, strict=True) if value]


@pytest.mark.slow
@pytest.mark.parametrize("as_variables", [(), ("critic", "lookup-model", "library"), ("library",), ("lookup-model",)])
def test_no_way_out_is_refused_again(as_variables: tuple[str, ...]) -> None:
    tried = 0
    for chosen in combinations():
        if as_variables and not any(name in as_variables for name, _ in chosen):
            continue
        flags = [word for name, value in chosen if name not in as_variables for word in (f"--{name}", value)]
        environ = {
            f"IMAGERAG_{name.replace('-', '_').upper()}": value for name, value in chosen if name in as_variables
        }
        if error := refused(flags, environ):
            followed = list(ways_out(error, flags, environ))
            assert followed, error
            for typed, left in followed:
                assert not refused(typed, left), (flags, environ, error, typed)
                tried += 1
    assert tried > 50


@pytest.mark.parametrize(
    "flags", [["--generator", "sdxl"], ["--profile", "local"], ["--generator", "sdxl", "--profile", "local"]]
)
def test_the_value_that_was_typed_is_named_first(flags: list[str]) -> None:
    error = refused([*flags, "--lookup-model", "embedded"], {})
    assert error.startswith("lookup_model 'embedded' knows no photographs, and critic 'clip' would judge by it")
    assert error.endswith(
        "flag --lookup-model sets it: give --lookup-model ViT-B-16-SigLIP2:webli, or insist with --critic clip"
    )


def test_all_parts_that_are_refused_are_told_at_once() -> None:
    error = refused(["--generator", "sdxl", "--profile", "pictograms"], {})
    assert error.endswith(
        "profile 'pictograms' sets them: name another with --profile local, or insist with --critic clip "
        "--library bundled,own --lookup-model embedded"
    )


def test_a_profile_of_the_person_s_own_is_not_told_to_be_its_own_way_out() -> None:
    error = refused(["--profile", "mine"], {})
    assert "profile 'mine' sets" in error
    assert "--profile mine" not in error


def test_a_program_s_own_generator_is_named() -> None:
    with pytest.raises(UserError, match=r"generator 'camera' draws photographs; .* --profile local, or insist"):
        resolve(Settings(profile="pictograms"), given=Given(frozenset(["generator"]), "photographs", None, "camera"))
