"""What a profile needs and what of it is there, without loading a model."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from imagerag.doctor.summary import alternatives, is_usable, lacking_gigabytes, things_needed
from imagerag.profiles import resolve
from imagerag.profiles.loading import find_profile
from imagerag.settings import Settings
from testing.machines import machine, run_on
from tests.doctor.conftest import SettingsOf


def states(settings: object, kind: str) -> dict[str, str]:
    return {thing.name: thing.state for thing in things_needed(settings) if thing.kind == kind}  # type: ignore[arg-type]


def test_the_embedded_profile_lacks_nothing(settings_of: SettingsOf) -> None:
    things = things_needed(settings_of())
    assert [(thing.kind, thing.name, thing.state) for thing in things] == [("package", "torch", "there")]
    assert is_usable(things)


def test_weights_are_counted_in_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(monkeypatch, machine("cpu", 16))
    things = [thing for thing in things_needed(resolve(Settings(profile="local"))) if thing.kind == "weights"]
    assert {thing.state for thing in things} == {"lacking"}
    clip = next(thing for thing in things if thing.name == "timm/ViT-B-16-SigLIP2")
    assert clip.gigabytes == pytest.approx(1.5)
    assert clip.mend == "imagerag doctor --profile local"
    assert lacking_gigabytes(things) == pytest.approx(sum(thing.gigabytes or 0 for thing in things))
    assert not is_usable(things)


def test_a_folder_of_one_s_own_is_measured(settings_of: SettingsOf, tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text("{}")
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"x" * 2_000_000)
    settings = settings_of(lookup_model=str(tmp_path))
    (found,) = [thing for thing in things_needed(settings) if thing.kind == "weights"]
    assert (found.state, found.gigabytes) == ("there", pytest.approx(0.002, abs=1e-5))


def test_keys(settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(vlm="openai:gpt-6.1-sol")
    (key,) = [thing for thing in things_needed(settings) if thing.kind == "key"]
    assert (key.name, key.state, key.used_by) == ("OPENAI_API_KEY", "lacking", "vlm 'openai:gpt-6.1-sol'")
    assert key.mend.endswith(" OPENAI_API_KEY=YOUR_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    assert states(settings, "key") == {"OPENAI_API_KEY": "there"}


def test_servers_of_this_machine_are_asked_and_no_others(settings_of: SettingsOf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        settings = settings_of(generator=f"comfyui:{address}", vlm="openai:x@http://192.0.2.1:9/v1")
        assert states(settings, "server") == {address: "there", "http://192.0.2.1:9/v1": "not asked"}
    assert states(settings, "server")[address] == "lacking"
    assert "key" not in {thing.kind for thing in things_needed(settings)}


def test_an_address_that_is_none_is_left_to_the_doctor(settings_of: SettingsOf) -> None:
    assert states(settings_of(generator="comfyui:http://127.0.0.1:99999"), "server") == {
        "http://127.0.0.1:99999": "not asked"
    }


def test_the_other_choices_are_told_with_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(monkeypatch, machine("cpu", 16))
    asked = Settings(profile="local")
    found = alternatives(asked, find_profile("local"), resolve(asked))
    lacking = {one.generator: one.lacking for one in found}
    assert lacking["flux2-klein"] == "flux2-klein needs 35.5 GB, 16 GB free on cpu"
    assert next(one.gigabytes or 0 for one in found if one.generator == "flux2-klein") > 15
    cloud = alternatives(Settings(profile="cloud"), find_profile("cloud"), None)
    assert [one.lacking for one in cloud][:2] == ["OPENAI_API_KEY not set", "ANTHROPIC_API_KEY not set"]
    assert "GOOGLE_API_KEY not set or GEMINI_API_KEY not set" in [one.lacking for one in cloud]


def test_listing_profiles_imports_no_library_of_models() -> None:
    code = (
        "import sys; from imagerag.cli.main import run; run(['profiles', '--json', '--device', 'cpu']);"
        "print({'torch', 'open_clip', 'transformers', 'diffusers', 'langchain_core'} & {*sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "set()"
    assert done.stdout.startswith("[{")
