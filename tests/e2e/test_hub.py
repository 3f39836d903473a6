"""Loading from a hub that refuses, is slow or lacks a file; what the doctor's commands download is what is loaded."""

import json
import shlex
import shutil
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from testing import tiny_models as tiny
from testing.bare_machine import NOBODY, on_bare_machine
from testing.hub_server import Repository, hub_server

pytestmark = pytest.mark.slow

LIBRARIES = ("diffusers", "transformers", "open_clip")


def in_process(hub: str, folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run Python where only that hub is known, which is waited for a second."""
    impatient = {"HF_HUB_ETAG_TIMEOUT": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "1"}
    return on_bare_machine(folder, *arguments, hub=hub, **{**impatient, **variables})


def said(hub: str, folder: Path, *asked: str, **variables: str) -> dict[str, str]:
    """Return what each loader of ``testing.hub_requests`` said."""
    done = in_process(hub, folder, "-m", "testing.hub_requests", *asked, **variables)
    assert done.returncode == 0, done.stderr
    answers: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_each_loader_says_why_the_hub_gives_nothing_and_the_way_out(tmp_path: Path) -> None:
    config = {"model_index.json": b"{}", "config.json": b"{}", "open_clip_config.json": b"{}"}
    repositories = {
        "gated/login": Repository(config, status=401, gated="auto"),
        "gated/licence": Repository(config, status=403, gated="manual"),
        "owner/empty": Repository({"README.md": b"nothing"}),
        "owner/bare": Repository({"README.md": b"nothing"}),
    }
    expected = {
        "gated/login": (
            "is gated, and nobody is logged in here",
            "https://huggingface.co/gated/login",
            "hf auth login",
        ),
        "gated/licence": ("has not been admitted", "accept its licence at https://huggingface.co/gated/licence"),
        "owner/empty": ("has no file", "https://huggingface.co/owner/empty"),
        "owner/bare": ("can't be loaded (Unrecognized model", "name a repository with a checkpoint of transformers"),
        "owner/none": ("is not on the hub, or is private", "check its name"),
        "runwayml/stable-diffusion-v1-5": (
            "was taken off the hub by its makers",
            "name its copy there: stable-diffusion-v1-5/stable-diffusion-v1-5",
        ),
    }
    # transformers asks for many files that may be lacking, and says which is needed only by what it makes of the rest.
    pairs = [
        (library, model)
        for library in LIBRARIES
        for model in expected
        if (model != "owner/empty" if library == "transformers" else model != "owner/bare")
    ]
    with hub_server(repositories) as hub:
        answers = said(hub.url, tmp_path, *(f"{library}={model}" for library, model in pairs))
    for library, model in pairs:
        line = answers[f"{library}={model}"]
        assert "\n" not in line
        assert all(word in line for word in expected[model]), (library, line)


def test_a_repository_that_is_no_pipeline_is_told_as_what_it_is(tmp_path: Path) -> None:
    repositories = {
        "owner/style": Repository({"pytorch_lora_weights.safetensors": 10**8}),
        "owner/canny": Repository({"config.json": b'{"_class_name": "ControlNetModel"}'}),
        "owner/fast": Repository({"fast_4step.safetensors": 10**9, "fast_4step_unet.safetensors": 10**9}),
    }
    with hub_server(repositories) as hub:
        answers = said(hub.url, tmp_path, *(f"preset={name}" for name in repositories))
    assert "holds LoRA weights and no model of its own" in answers["preset=owner/style"]
    assert "--lora owner/style" in answers["preset=owner/style"]
    assert "follows a control image (edges, depth, poses) (ControlNetModel)" in answers["preset=owner/canny"]
    assert "but holds fast_4step.safetensors, fast_4step_unet.safetensors; " in answers["preset=owner/fast"]


def test_a_slow_hub(tmp_path: Path) -> None:
    files = {"model_index.json": b"{}", "config.json": b"{}", "open_clip_config.json": b"{}"}
    # Longer than a download is waited for, but not than the last question for a file's head, which waits for a minute.
    with hub_server({"owner/slow": Repository(files, delay=3)}) as hub:
        answers = said(hub.url, tmp_path, *(f"{library}=owner/slow" for library in LIBRARIES))
    for line in answers.values():
        assert "does not answer in time" in line
        assert "hf download owner/slow" in line


def test_nobody_at_the_address(tmp_path: Path) -> None:
    answers = said(NOBODY, tmp_path, *(f"{library}=owner/model" for library in LIBRARIES))
    for line in answers.values():
        assert "http://127.0.0.1:9 can't be reached" in line
        assert "hf download owner/model" in line


@pytest.fixture
def tiny_sdxl(tmp_path: Path) -> dict[str, Repository]:
    """The repositories of a tiny SDXL and its adapter, with what nobody loads beside it."""
    folder = tiny.save_sdxl(tmp_path / "sdxl")
    for weights in list(folder.rglob("*.safetensors")):
        shutil.copyfile(weights, weights.with_suffix(".fp16.safetensors"))
    files = dict(Repository.of_folder(folder).files)
    unread = {
        "sd_xl_base.safetensors": 7 * 10**9, "unet/model.onnx": 10**8, "unet/diffusion_pytorch_model.bin": 10**9,
        "text_encoder/flax_model.msgpack": 10**9, "README.md": b"a card", "vae_decoder/model.onnx": 10**8,
    }  # fmt: skip
    beside = {"vae_1_0/diffusion_pytorch_model.fp16.safetensors": files["vae/diffusion_pytorch_model.fp16.safetensors"]}
    adapter = tiny.save_adapter(tmp_path / "adapter", tiny.unet_of(folder), True)
    parts = {f"models/{name}": content for name, content in Repository.of_folder(adapter.parent).files.items()}
    other = {"models/other.safetensors": 10**9, "models/image_encoder/pytorch_model.bin": 10**9}
    return {"tiny/sdxl": Repository({**files, **unread, **beside}), "tiny/adapter": Repository({**parts, **other})}


def doctor(hub: str, folder: Path, **variables: str) -> dict[str, Any]:
    done = in_process(
        hub, folder, "-m", "imagerag", "doctor", "--generator", "tiny", "--lookup-model", "embedded",
        "--critic", "clip", "--library", "bundled", "--json", **variables,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (2 if document["wrong"] else 0)
    return document


def commands(document: dict[str, Any]) -> list[list[str]]:
    return [shlex.split(found["mend"]) for found in document["findings"] if found["area"] == "weights"]


def includes(command: list[str]) -> list[str]:
    return [word for word, before in zip(command[1:], command, strict=False) if before == "--include"]


def test_what_the_doctor_downloads_is_what_is_loaded(tmp_path: Path, tiny_sdxl: dict[str, Repository]) -> None:
    presets = tmp_path / "presets.toml"
    presets.write_text(
        '[tiny]\nlike = "sdxl"\nmodel = "tiny/sdxl"\nvariant = "fp16"\nwidth = 32\nheight = 32\n'
        '[tiny.adapter]\nmodel = "tiny/adapter"\nsubfolder = "models"\nfile = "ip-adapter-plus.safetensors"\n'
        'encoder = "tiny/adapter"\nencoder_subfolder = "models/image_encoder"\n',
        encoding="utf-8",
    )
    own = {"IMAGERAG_PRESETS": str(presets)}
    with hub_server(tiny_sdxl) as hub:
        document = doctor(hub.url, tmp_path, **own)
        assert of_weights(document) == {"warning"}
        assert not any(asked.path.endswith(".safetensors") for asked in hub.asked), "no weights are downloaded"
        chosen = {command[2]: matching(tiny_sdxl[command[2]], includes(command)) for command in commands(document)}
        assert said(hub.url, tmp_path / "loading", "preset=tiny", **own) == {"preset=tiny": "loaded"}
        assert hub.fetched("tiny/sdxl") == chosen["tiny/sdxl"]
        # The encoder's preprocessing is made here, from no file.
        assert hub.fetched("tiny/adapter") == chosen["tiny/adapter"]
        for command in commands(document):
            done = in_process(hub.url, tmp_path, "-m", "huggingface_hub.cli.hf", *command[1:])
            assert done.returncode == 0, done.stderr
        assert {
            found["status"] for found in doctor(hub.url, tmp_path, **own)["findings"] if found["area"] == "weights"
        } == {"ok"}
    offline = doctor(NOBODY, tmp_path, **own)
    assert {found["status"] for found in offline["findings"] if found["area"] == "weights"} == {"ok"}
    assert said(NOBODY, tmp_path, "preset=tiny", HF_HUB_OFFLINE="1", **own) == {"preset=tiny": "loaded"}


def matching(repository: Repository, patterns: list[str]) -> set[str]:
    return {file for file in repository.files if any(fnmatchcase(file, pattern) for pattern in patterns)}


def of_weights(document: dict[str, Any]) -> set[str]:
    return {found["status"] for found in document["findings"] if found["area"] == "weights"}
