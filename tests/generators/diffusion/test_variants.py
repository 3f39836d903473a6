"""Weights of another variant than the one that is named, where only those are here."""

from pathlib import Path

import pytest

from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.variants import variant_here

PLAIN, HALF = "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"
SHARD = "diffusion_pytorch_model.fp16-00001-of-00002.safetensors"


def preset(model: str, variant: str | None) -> Preset:
    return Preset(name="tiny", model=model, family="text", variant=variant)


@pytest.mark.parametrize(
    ("files", "variant", "expected"),
    [
        ((PLAIN,), "fp16", None),
        ((HALF,), None, "fp16"),
        ((SHARD,), None, "fp16"),
        ((PLAIN, HALF), "fp16", "fp16"),
        ((PLAIN, HALF), None, None),
        ((), "fp16", "fp16"),
    ],
)
@pytest.mark.parametrize("where", ["folder", "cache"])
def test_what_is_here_is_loaded_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, files: tuple[str, ...], variant: str, expected: str
) -> None:
    model, folder = str(tmp_path / "model"), tmp_path / "model"
    if where == "cache":
        model, folder = "owner/model", tmp_path / "models--owner--model" / "snapshots" / ("0" * 40)
        (tmp_path / "models--owner--model" / "refs").mkdir(parents=True)
        (tmp_path / "models--owner--model" / "refs" / "main").write_text("0" * 40)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    for file in files:
        (folder / "unet" / file).write_bytes(b"")
    found, notes = variant_here(preset(model, variant))
    assert found == expected
    assert bool(notes) == (found != variant)
    if notes:
        assert f"of {model!r} are not on this machine" in notes[0]


@pytest.mark.parametrize(
    ("files", "variant", "expected"),
    [
        ((f"unet/{HALF}", "vae/x.fp16.safetensors", "model_index.json"), None, "fp16"),
        ((f"unet/{PLAIN}", f"unet/{HALF}"), "fp16", "fp16"),
        ((f"unet/{PLAIN}",), None, None),
        ((f"unet/{PLAIN}",), "fp16", None),
        ((), "fp16", "fp16"),
    ],
)
def test_a_hub_that_can_be_asked_says_what_it_has(
    monkeypatch: pytest.MonkeyPatch, files: tuple[str, ...], variant: str | None, expected: str | None
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.list_repo_files", lambda model, revision: list(files))
    found, notes = variant_here(preset("owner/model", variant))
    assert found == expected
    assert bool(notes) == (found != variant)
    assert all("are not in its repository" in note for note in notes)


def test_a_hub_that_gives_no_answer_leaves_it_to_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(model: str, revision: str | None) -> list[str]:
        raise OSError

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.list_repo_files", refuses)
    assert variant_here(preset("owner/model", "fp16")) == ("fp16", ())
