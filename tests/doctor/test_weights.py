"""Weights in the cache, in folders, and on a hub that gives, refuses, is slow, or lacks them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagerag.chat_models.local.loading import load_local
from imagerag.doctor import hub
from imagerag.doctor.finding import Finding
from imagerag.doctor.hub import listing
from imagerag.doctor.needs import needs_of, preset_of
from imagerag.doctor.weights import check_weights
from imagerag.embedders.clip_names import open_clip_weights
from imagerag.embedders.registry import clip_model
from imagerag.errors import UserError
from imagerag.generators.base import DrawRequest
from imagerag.generators.diffusion.lora import lora_file
from imagerag.generators.registry import load_generator
from imagerag.model_files import snapshot
from testing.hub_server import Repository
from tests.doctor.conftest import OpenHub, SettingsOf

MODEL = "owner/model"
FILES = {"config.json": b"{}", "model.safetensors": 2_000_000_000, "model.bin": 10**9, "README.md": b"x"}


def found(settings_of: SettingsOf, offline: bool = False, vlm: str = f"transformers:{MODEL}") -> dict[str, Finding]:
    return {finding.area: finding for finding in check_weights(settings_of(vlm=vlm), offline)}


def test_nothing_to_download(settings_of: SettingsOf) -> None:
    (finding,) = check_weights(settings_of(), False)
    assert (finding.status, finding.text) == ("ok", "none have to be downloaded")


def test_what_a_run_would_download_is_a_warning_with_the_command(settings_of: SettingsOf, open_hub: OpenHub) -> None:
    with open_hub({MODEL: Repository(FILES)}) as server:
        about = found(settings_of)
        assert not any("safetensors" in asked.path for asked in server.asked)
    assert about["weights"].status == "warning"
    assert "2 of 2 files (2.00 GB)" in about["weights"].text
    assert about["weights"].mend == f"hf download {MODEL} --include config.json --include model.safetensors"
    assert about["disk"].status == "ok"


@pytest.mark.parametrize(
    ("status", "says", "mend"),
    [
        (401, "gated, and nobody is logged in", f"https://huggingface.co/{MODEL}, then: hf auth login"),
        (403, "has not been admitted", f"accept its licence at https://huggingface.co/{MODEL}"),
    ],
)
@pytest.mark.parametrize("private", [False, True])
def test_a_gated_repository(
    settings_of: SettingsOf, open_hub: OpenHub, status: int, says: str, mend: str, private: bool
) -> None:
    with open_hub({MODEL: Repository(FILES, status=status, gated="auto", private=private)}):
        about = found(settings_of)
    assert (about["access"].status, about["weights"].status) == ("wrong", "wrong")
    assert says in about["access"].text
    assert mend in about["access"].mend
    assert about["weights"].mend.startswith(f"hf download {MODEL} --include ")


def test_a_repository_that_is_not_there(settings_of: SettingsOf, open_hub: OpenHub) -> None:
    with open_hub({}):
        about = found(settings_of)
    assert about["weights"].status == "wrong"
    assert "is not on the hub, or is private" in about["weights"].text


def test_a_file_that_is_not_there(settings_of: SettingsOf, open_hub: OpenHub) -> None:
    with open_hub({"timm/ViT-B-16-SigLIP2": Repository({"tokenizer_config.json": b"{}"})}):
        settings = settings_of(lookup_model="ViT-B-16-SigLIP2:webli")
        (finding,) = check_weights(settings, False)
    assert finding.status == "wrong"
    assert "'timm/ViT-B-16-SigLIP2' has no open_clip_model.safetensors" in finding.text


def test_a_slow_hub(settings_of: SettingsOf, open_hub: OpenHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SECONDS", 0.2)
    with open_hub({MODEL: Repository(FILES, delay=20)}):
        about = found(settings_of)
    assert "does not answer in time" in about["hub"].text
    assert about["weights"].status == "wrong"


def test_no_hub_and_none_asked(settings_of: SettingsOf) -> None:
    about = found(settings_of, vlm="transformers:Qwen/Qwen3-VL-8B-Instruct")
    assert about["hub"].status == "wrong"
    assert "can't be reached" in about["hub"].text
    assert "'model*.safetensors'" in about["weights"].mend
    assert "hub" not in found(settings_of, offline=True)


def in_cache(folder: Path, names: tuple[str, ...]) -> None:
    repository = folder / "cache" / f"models--{MODEL.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c0ffee", encoding="utf-8")
    (repository / "snapshots" / "c0ffee").mkdir(parents=True)
    for name in names:
        (repository / "snapshots" / "c0ffee" / name).write_bytes(b"{}")


def test_weights_that_are_here(settings_of: SettingsOf, tmp_path: Path, open_hub: OpenHub) -> None:
    assert snapshot(MODEL, None) is None
    in_cache(tmp_path, ("config.json", "model.safetensors", "tokenizer.json"))
    about = found(settings_of)
    assert about["weights"].status == "ok"
    assert about["hub"].status == "warning", "a run goes on without the hub"
    with open_hub({MODEL: Repository(FILES)}):
        assert found(settings_of)["weights"].status == "ok"


def test_weights_that_are_here_in_part(settings_of: SettingsOf, tmp_path: Path, open_hub: OpenHub) -> None:
    in_cache(tmp_path, ("config.json",))
    assert found(settings_of, offline=True)["weights"].status == "wrong"
    with open_hub({MODEL: Repository(FILES)}):
        assert "1 of 2 files (2.00 GB)" in found(settings_of)["weights"].text


def test_a_folder(settings_of: SettingsOf, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    vlm = f"transformers:{tmp_path}"
    assert "model*.safetensors not in the folder" in found(settings_of, vlm=vlm)["weights"].text
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert "tokenizer.json not in the folder" in found(settings_of, vlm=vlm)["weights"].text
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert found(settings_of, vlm=vlm)["weights"].status == "ok"


def test_a_disk_that_is_full(settings_of: SettingsOf, open_hub: OpenHub) -> None:
    with open_hub({MODEL: Repository({**FILES, "model.safetensors": 10**18})}):
        assert found(settings_of)["disk"].status == "wrong"


def test_each_preset_says_what_it_is_loaded_from(settings_of: SettingsOf) -> None:
    parts = [need.part for need in needs_of(settings_of(generator="kolors"))]
    assert parts == ["generator 'kolors'", "image encoder of generator 'kolors'", "IP-Adapter of generator 'kolors'"]
    own = preset_of("diffusers:somebody/model")
    assert own is not None
    assert (own.model, own.family) == ("somebody/model", "text")
    assert preset_of("openai:gpt-image-2") is None
    assert preset_of("diffusers:sdxl") == preset_of("sdxl")


def test_the_table_of_open_clip_is_its_own() -> None:
    import open_clip

    assert {(model, tag) for model, tags in open_clip_weights().items() for tag in tags} == set(
        open_clip.list_pretrained()
    )


def test_a_listing_has_the_index_of_a_pipeline(open_hub: OpenHub) -> None:
    with open_hub({MODEL: Repository({"model_index.json": b'{"unet": ["diffusers", "X"]}'})}):
        assert listing(MODEL, None).index == {"unet": ["diffusers", "X"]}
        assert listing(MODEL, None, offline=True).index == {}


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize(
    ("part", "name", "where"),
    [
        ("generator", "diffusers:/nosuch/folder", "/nosuch/folder"),
        ("generator", "diffusers:a/b/c", "a/b/c"),
        ("vlm", "transformers:/nosuch/vlm", "/nosuch/vlm"),
        ("critic", "transformers:/nosuch/vlm", "/nosuch/vlm"),
        ("lookup_model", "local-dir:/nosuch/clip", "/nosuch/clip"),
    ],
)
def test_a_folder_that_is_not_there(settings_of: SettingsOf, part: str, name: str, where: str, offline: bool) -> None:
    (finding,) = check_weights(settings_of(**{part: name}), offline)
    assert (finding.area, finding.status) == ("weights", "wrong")
    assert f"{where!r} is neither a folder here nor a name that a repository" in finding.text
    assert finding.mend.endswith(f"name another with --{part.replace('_', '-')}")


def of_lora(settings_of: SettingsOf, lora: str, offline: bool = False) -> Finding:
    settings = settings_of(generator="sd15", lora=(lora,))
    return next(one for one in check_weights(settings, offline) if one.text.startswith("lora "))


def test_a_lora_of_a_repository(settings_of: SettingsOf, open_hub: OpenHub) -> None:
    one = Repository({"README.md": b"x", "lora.safetensors": 9_000_000})
    many = Repository({"a.safetensors": 1, "b.safetensors": 1})
    with open_hub({"owner/lora": one, "owner/many": many}):
        only, weighted = of_lora(settings_of, "owner/lora"), of_lora(settings_of, "owner/lora:0.8")
        named, absent = (
            of_lora(settings_of, "owner/many/b.safetensors"),
            of_lora(settings_of, "owner/many/c.safetensors"),
        )
        vague = of_lora(settings_of, "owner/many")
    assert (only.status, only.mend) == ("warning", "hf download owner/lora --include lora.safetensors")
    assert "1 of 1 files (9.00 MB)" in only.text
    assert weighted == only
    assert (named.status, named.mend) == ("warning", "hf download owner/many --include b.safetensors")
    assert (absent.status, absent.mend) == ("wrong", "name another model with --lora")
    assert (vague.status, vague.mend) == ("wrong", "name one of them: --lora owner/many/a.safetensors")
    offline = of_lora(settings_of, "owner/lora", offline=True)
    assert (offline.status, offline.mend) == ("wrong", "hf download owner/lora --include '*.safetensors'")


def test_a_lora_in_a_file(settings_of: SettingsOf, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    lost = of_lora(settings_of, str(file), offline=True)
    assert (lost.status, "mine.safetensors not in the folder" in lost.text) == ("wrong", True)
    assert "--lora" in lost.mend
    assert of_lora(settings_of, "mine.safetensors", offline=True).status == "wrong"
    file.write_bytes(b"x")
    assert of_lora(settings_of, str(file), offline=True).status == "ok"


def test_a_lora_counts_only_where_diffusers_draw(settings_of: SettingsOf) -> None:
    assert list(needs_of(settings_of(lora=("owner/lora",)))) == []


CLIP = "ViT-B-16-SigLIP2:webli"
LOADED: dict[str, tuple[dict[str, Any], Callable[[], object]]] = {
    "a CLIP model": ({"lookup_model": CLIP, "critic": f"clip:{CLIP}"}, lambda: clip_model(CLIP)),
    "a CLIP model of a repository": ({"lookup_model": "hf-hub:owner/clip"}, lambda: clip_model("hf-hub:owner/clip")),
    "a chat model": ({"vlm": f"transformers:{MODEL}"}, lambda: load_local(f"transformers:{MODEL}")),
    "a generator": ({"generator": "sd-turbo"}, lambda: load_generator("sd-turbo").draw(DrawRequest("an owl", (1,)))),
    "LoRA weights": ({"generator": "sd-turbo", "lora": ("a/b/c.safetensors",)}, lambda: lora_file("a/b/c.safetensors")),
    "one file of LoRA weights": ({"generator": "sd-turbo", "lora": ("a/b",)}, lambda: lora_file("a/b")),
}


@pytest.mark.parametrize("part", LOADED)
def test_a_run_without_a_network_gives_the_same_command(
    settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    named, load = LOADED[part]
    with pytest.raises(UserError, match="is not on this machine") as told:
        load()
    commands = [finding.mend for finding in check_weights(settings_of(**named), True) if "hf download" in finding.mend]
    assert str(told.value).rpartition("where there is a network: ")[2] in commands
    assert "--include" in commands[0]
