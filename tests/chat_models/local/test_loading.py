"""Loading local chat models: devices, types, and the size of images."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    CLIPImageProcessor,
    Gemma3ImageProcessor,
    LlavaNextImageProcessor,
    MllamaImageProcessor,
    Qwen2VLImageProcessor,
    SmolVLMImageProcessor,
)

from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models.local.loading import image_limit, load_local
from imagerag.chat_models.local.model import LocalChatModel
from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.graphs.components import Components
from imagerag.settings import Settings
from testing import tiny_chat_models as tiny_minds


class TestLoading:
    def test_what_is_not_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # its retries take twenty seconds
        with pytest.raises(
            UserError, match=r"is not on this machine .* hf download nobody/nothing .*model\*\.safetensors"
        ):
            load_local("transformers:nobody/nothing")

    def test_no_chat_template(self, tmp_path: Path) -> None:
        folder = tiny_minds.save_words_only(tmp_path / "bare", template=None)
        with pytest.raises(UserError, match="has no chat template"):
            load_local(f"transformers:{folder}")

    def test_it_is_held_as_the_settings_say(self, tmp_path: Path) -> None:
        name = f"transformers:{tiny_minds.save_qwen_vl(tmp_path / 'qwen')}"
        components = Components(Settings(home=str(tmp_path), vlm=name, critic=name, dtype="bfloat16", memory="offload"))
        assert isinstance(components.chat_model, LocalChatModel)
        assert str(components.chat_model._model.dtype) == "torch.bfloat16"
        assert isinstance(components.critic, VlmCritic)
        assert components.critic._model.model is components.chat_model, (
            "one copy of the weights drives, judges and writes"
        )
        for settings, says in (({"memory": "4bit"}, "in 4 bits needs a GPU"), ({"device": "cuda:7"}, "--device auto")):
            with pytest.raises(UserError, match=says):
                load_local(name, DeviceSettings(**settings))  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "ran_out",
        [
            MemoryError("Cannot allocate memory (os error 12)"),
            RuntimeError("unable to mmap 8 bytes from file </m/model.safetensors>: Cannot allocate memory (12)"),
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        ],
    )
    def test_too_little_memory_is_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran_out: Exception
    ) -> None:
        folder = tiny_minds.save_words_only(tmp_path / "large")

        def refuse(*_: object, **__: object) -> None:
            raise ran_out

        monkeypatch.setattr("transformers.modeling_utils.safe_open", refuse)
        with pytest.raises(UserError, match=r"does not fit into the memory of 'cpu'; close .* smaller model"):
            load_local(f"transformers:{folder}", DeviceSettings(device="cpu"))

    def test_damaged_weights_are_one_line(self, tmp_path: Path) -> None:
        folder = tiny_minds.save_words_only(tmp_path / "short")
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:2000])
        with pytest.raises(UserError, match=r"the weights of 'transformers:.*short' are damaged"):
            load_local(f"transformers:{folder}")

    def test_no_model_in_it(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="can't be loaded"):
            load_local(f"transformers:{tmp_path}")


@pytest.mark.parametrize(
    ("processor", "size", "fitted"),
    [
        (Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56), (200, 50), (112, 28)),
        (CLIPImageProcessor(size=336, crop_size=336), (2000, 1000), (672, 336)),
        (Gemma3ImageProcessor(size={"height": 896, "width": 896}), (2000, 1000), (1792, 896)),
        (Gemma3ImageProcessor(size={"height": 896, "width": 896}, do_pan_and_scan=True), (4000, 1000), (3584, 896)),
        (SmolVLMImageProcessor(size={"longest_edge": 2048}), (4096, 10), (2048, 5)),
        (LlavaNextImageProcessor(image_grid_pinpoints=[[336, 672], [672, 336]]), (1344, 1344), (672, 672)),
        (MllamaImageProcessor(size={"height": 560, "width": 560}, max_image_tiles=4), (4000, 4000), (1120, 1120)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_checkpoint_tells_how_large_it_takes_images(processor: Any, size: Any, fitted: tuple[int, int]) -> None:
    limit = image_limit(processor)
    assert limit is not None
    assert limit.fit(*size) == fitted
