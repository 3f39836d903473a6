"""``imagerag profiles``: its output in words; ``tests/e2e/test_profiles.py`` reads the JSON."""

import io
import json
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.cli.parser import parse
from imagerag.shell_words import WINDOWS
from testing.machines import machine, run_on


def told(*argv: str) -> str:
    command, options = parse(["profiles", *argv])
    out = io.StringIO()
    assert command.runner()(options, out) == 0
    return out.getvalue()


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(key, raising=False)


def test_without_a_word_they_are_listed() -> None:
    assert told() == told("list")
    assert "pictograms: embedded: draws pictograms at once" in told()
    assert "refused:   profile 'cloud' can't be used here (OPENAI_API_KEY not set" in told()


def test_each_profile_tells_what_it_needs_and_what_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    run_on(monkeypatch, machine("cpu", 16))
    text = told()
    assert "lacking:   weights 5.4 GB of stable-diffusion-v1-5/stable-diffusion-v1-5 (generator 'sd15')" in text
    assert "lacking:   server http://127.0.0.1:8188 (generator 'comfyui:http://127.0.0.1:8188')" in text
    assert "mend:      export OPENAI_API_KEY=YOUR_KEY" in text or WINDOWS
    assert "or:        flux2-klein, driven by rules, 17.5 GB of weights; lacks: flux2-klein needs 35.5 GB" in text
    assert "mend:      imagerag doctor --profile local" in text


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lines_fit_the_terminal_and_commands_stay_whole(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for line in told().splitlines():
        assert len(line) <= columns or line.startswith("  mend:") or " " not in line.strip(), line


def test_json_tells_each_thing() -> None:
    rows = {row["name"]: row for row in json.loads(told("--json"))}
    assert rows["pictograms"]["usable"]
    assert not rows["comfyui"]["usable"]
    (server,) = [one for one in rows["comfyui"]["needs"] if one["kind"] == "server"]
    assert (server["name"], server["state"]) == ("http://127.0.0.1:8188", "lacking")
    assert rows["comfyui"]["gigabytes_lacking"] == pytest.approx(1.5)
    assert rows["cloud"]["problem"]
    assert rows["cloud"]["generator"] == "openai:gpt-image-2"
    assert {one["vlm"] for one in rows["cloud"]["alternatives"]} >= {"anthropic:claude-haiku-5-5", "rules"}


def test_each_value_is_shown_with_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_MAX_STEPS", "7")
    lines = {line.split()[0]: line for line in told("show", "--generator", "sdxl").splitlines()}
    assert lines["generator"].split(maxsplit=2)[1:] == ["sdxl", "flag --generator"]
    assert lines["critic"].endswith("profile 'local'")
    assert lines["max_steps"].split(maxsplit=2)[1:] == ["7", "variable IMAGERAG_MAX_STEPS"]
    assert lines["lookup_floor"].split()[1:] == ["none", "default"]


def test_a_part_that_does_not_fit_is_noted() -> None:
    assert "critic 'clip' judges pictograms" in told("show", "--generator", "sdxl", "--critic", "clip")


def test_a_profile_that_nobody_named_tells_why_it_is_taken() -> None:
    def origin(*flags: str) -> str:
        return told("show", *flags).splitlines()[0].split(maxsplit=2)[2]

    assert origin() == "default"
    assert origin("--thread", "new") == "default"
    assert origin("--generator", "sdxl") == "it fits the generator"
    assert origin("--profile", "pictograms") == "flag --profile"


def test_a_table_that_is_none_is_listed_as_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('[mine]\nlike = "pictograms"\n[bad]\nlike = "local"\nmax_steps = 0\n', encoding="utf-8")
    monkeypatch.setenv("IMAGERAG_PROFILES", str(file))
    monkeypatch.setenv("COLUMNS", "200")
    text = told()
    assert text.count("max_steps 0 is outside 1..1000") == 1
    assert "\nbad\n  refused:   profile 'bad' in " in text
    rows = {row["name"]: row for row in json.loads(told("--json"))}
    assert rows["mine"]["usable"]
    assert not rows["bad"]["usable"]


def test_show_tells_the_size_and_what_was_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('[mine]\nlike = "local"\nsize = "768x512"\n', encoding="utf-8")
    monkeypatch.setenv("IMAGERAG_PROFILES", str(file))
    run_on(monkeypatch, machine("cuda", 24))
    text = told("show", "--profile", "mine")
    lines = {line.split()[0]: line for line in text.splitlines()}
    assert lines["size"].split(maxsplit=2)[1:] == ["768x512", "profile 'mine'"]
    assert lines["memory"].split(maxsplit=2)[1] == "offload"
    assert "note: profile 'mine' draws with flux2-klein, driven by Qwen/Qwen3-VL-4B-Instruct: 19.7 GB needed" in text
    assert "size 768x512" not in told("show", "--profile", "mine", "--size", "64x64")


def test_a_profile_is_named_with_or_without_its_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert told("show", "pictograms") == told("show", "--profile", "pictograms")
    assert run(["profiles", "show", "pictograms", "--profile", "cloud"]) == 2
    assert "leave one out" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--generator", "--vlm"])
def test_a_part_that_no_profile_could_have_is_one_error(capsys: pytest.CaptureFixture[str], flag: str) -> None:
    assert run(["profiles", "list", flag, "nosuch"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"'nosuch' is not known; give {flag} one of: " in line
