"""HiDream-I1's fourth text encoder: it comes from a place of its own, and is named where it can't be had."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from imagerag.errors import UserError
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.llama_encoder import llama_components
from imagerag.generators.diffusion.presets import Preset
from testing.diffusion_requests import draw, pixels
from testing.tiny_newer_families import save_hidream


@pytest.fixture(scope="module")
def hidream(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """As its makers publish it: the pipeline without its Llama, and that in a folder of its own."""
    folder = save_hidream(tmp_path_factory.mktemp("models") / "hidream")
    llama = folder.parent / "llama"
    shutil.move(folder / "text_encoder_4", llama)
    for file in (folder / "tokenizer_4").iterdir():
        shutil.move(file, llama / file.name)
    (folder / "tokenizer_4").rmdir()
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(
        json.dumps({name: value for name, value in index.items() if not name.endswith("_4")})
    )
    return folder, llama


def asked(folder: Path, llama: str) -> Preset:
    values: dict[str, Any] = {"name": "hidream", "model": str(folder), "family": "text", "llama": llama}
    return Preset.model_validate(values | {"steps": 2, "guidance": 5.0, "width": 64, "height": 64})


def test_nothing_is_loaded_where_none_is_named() -> None:
    assert llama_components("", torch.float32, in_4bit=False) == {}


def test_it_draws_with_the_one_that_is_named(hidream: tuple[Path, Path]) -> None:
    folder, llama = hidream
    generator = DiffusionGenerator(asked(folder, str(llama)))
    assert isinstance(generator.pipeline.text_encoder_4, transformers.LlamaForCausalLM)
    assert pixels(draw(generator)).std() > 0


def test_one_that_is_not_here_is_named_with_its_command(
    hidream: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"'meta-llama/nowhere'.* hf download meta-llama/nowhere --include"):
        DiffusionGenerator(asked(hidream[0], "meta-llama/nowhere"))
