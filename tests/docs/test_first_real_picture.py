"""Every command of docs/first-real-picture.md, in order, against stubs of the models, servers and the hub."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from imagerag.chat_models.pricing import PRICES
from imagerag.cli.main import run
from imagerag.generators.diffusion.presets import PRESETS
from imagerag.profiles.loading import PROFILES
from testing.hub_server import Repository, hub_server
from testing.openai_server import Reply, serving
from testing.remote_servers import comfy_server, images_server
from testing.tiny_clip import save_checkpoint
from testing.tiny_models import save_sd15
from testing.user_pictures import save_picture
from tests.docs.pages import commands

PAGE = "docs/first-real-picture.md"
COMMANDS = commands(PAGE)

pytestmark = pytest.mark.slow


def answer(request: dict[str, Any], number: int) -> Reply:
    """Draw once when asked what to do, and find everything there when asked for a verdict."""
    if "response_format" in request:
        thing = {"concept": "scarlet ibis", "kind": "content", "present": True, "confidence": 0.9}
        return Reply(json.dumps({"concepts": [thing], "matches": True}))
    if any(message["role"] == "tool" for message in request["messages"]):
        return Reply("It is done.")
    return Reply(calls=[("generate", {"prompt": "a scarlet ibis on a penny-farthing"})])


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A person's machine on which each profile has small models and servers on loopback in place of the real ones."""
    with ExitStack() as stack:
        vlm = stack.enter_context(serving(answer))
        images = stack.enter_context(images_server())
        _, comfy = stack.enter_context(comfy_server())
        clip = save_checkpoint(tmp_path / "clip", 1)
        (clip / "tokenizer.json").write_text("{}", encoding="utf-8")  # as the real repository has one
        model = save_sd15(tmp_path / "sd15")
        hub = stack.enter_context(hub_server({"timm/ViT-B-16-SigLIP2": Repository.of_folder(clip)}))
        common = f'vlm = "{vlm.name}"\nlookup_model = "{clip.as_posix()}"\nchoices = []\n'
        named = {
            "local": "tiny",
            "cloud": f"openai:m@{images.url}",
            "comfyui": f"comfyui:{comfy}",
        }
        tables = [f'[{name}]\nlike = "{name}"\ngenerator = "{what}"\n{common}' for name, what in named.items()]
        (tmp_path / "profiles.toml").write_text("\n".join(tables), encoding="utf-8")
        preset = f'[tiny]\nmodel = "{model.as_posix()}"\nfamily = "text"\nsteps = 2\nwidth = 64\nheight = 64\n'
        (tmp_path / "presets.toml").write_text(preset, encoding="utf-8")
        price = '{ input = 1.0, output = 1.0, date = "2026-11-28", source = "a test" }'
        lines = [f'"{name}" = {price}' for name in (vlm.name, named["cloud"])]
        (tmp_path / "prices.toml").write_text("\n".join(lines), encoding="utf-8")
        for name, value in {
            PROFILES: tmp_path / "profiles.toml",
            PRICES: tmp_path / "prices.toml",
            PRESETS: tmp_path / "presets.toml",
            "HOME": tmp_path,
            "USERPROFILE": tmp_path,
            "HF_HOME": tmp_path / "hub",
            "HF_ENDPOINT": hub.url,
            "IMAGERAG_HOME": tmp_path / "home",
            "IMAGERAG_SERVER_KEY": "sk-stub",
            "IMAGERAG_COMFYUI_CHECKPOINT": "stub.safetensors",
        }.items():
            monkeypatch.setenv(name, str(value))
        save_picture(tmp_path / "pictures", "scarlet ibis.png", "owl")
        monkeypatch.chdir(tmp_path)
        yield tmp_path


def test_every_command_runs(stranger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        if command.argv is None:
            places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            program = shutil.which(command.words[0], path=places)
            assert program is not None, command
            done = subprocess.run([program, *command.words[1:]], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            continue
        status = run(command.argv)
        told = capsys.readouterr()
        assert status == 0 or command.argv[0] == "doctor", (str(command), told.err)
        if command.argv[0] == "doctor":  # whatever a stub lacks is said in one line with what mends it
            assert "Traceback" not in told.out + told.err
            assert f"profile {command.argv[-1]!r}" in told.out or command.argv[-1] in told.out
    assert len(list((stranger / "pictures").glob("*.html"))) == 1
    fetched = {path.name for path in (stranger / "hub").rglob("*") if path.is_symlink() or path.is_file()}
    assert {"open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json"} <= fetched


def test_the_page_has_a_run_for_every_real_profile() -> None:
    typed = [" ".join(command.argv or []) for command in COMMANDS]
    for profile in ("local", "cloud", "comfyui"):
        assert any(f"--profile {profile}" in line and "scarlet ibis" in line for line in typed)
