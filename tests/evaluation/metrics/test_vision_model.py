"""Features of vision transformers: tiny ones of the real classes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel

from imagerag.errors import UserError
from imagerag.evaluation.metrics.vision_model import VisionModel
from testing.tiny_vision_models import PATCH, SIDE, save_dinov2, save_resnet
from tests.evaluation.metrics.drawings import noise


def test_an_image_is_the_class_token(dino: Path) -> None:
    images = [noise(seed) for seed in range(20)]
    rows = VisionModel(str(dino)).embed(images)
    shown = AutoImageProcessor.from_pretrained(dino)(images=images, return_tensors="pt")
    with torch.inference_mode():
        wanted = AutoModel.from_pretrained(dino).eval()(**shown).last_hidden_state[:, 0]
    wanted = torch.nn.functional.normalize(wanted, dim=-1).numpy()
    assert rows.shape == (20, 32)
    np.testing.assert_allclose(rows, wanted, atol=1e-5)


def test_patches_come_after_what_stands_before_them(dino: Path, tmp_path: Path) -> None:
    for folder, leading in ((dino, 1), (save_dinov2(tmp_path), 5)):
        rows, grid = VisionModel(str(folder)).patches(noise(1))
        assert grid == (SIDE // PATCH, SIDE // PATCH)
        shown = AutoImageProcessor.from_pretrained(folder)(images=noise(1), return_tensors="pt")
        with torch.inference_mode():
            tokens = AutoModel.from_pretrained(folder).eval()(**shown).last_hidden_state[0]
        assert len(tokens) == leading + grid[0] * grid[1]
        wanted = torch.nn.functional.normalize(tokens[leading:], dim=-1).numpy()
        np.testing.assert_allclose(rows, wanted, atol=1e-5)


def test_transparent_parts_count_as_white(dino: Path) -> None:
    model = VisionModel(str(dino))
    clear, white = Image.new("RGBA", (9, 9), (255, 0, 0, 0)), Image.new("RGB", (9, 9), "white")
    np.testing.assert_array_equal(model.embed([clear]), model.embed([white]))


def test_no_images_have_no_rows(dino: Path) -> None:
    assert len(VisionModel(str(dino)).embed([])) == 0


def test_other_models_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no vision transformer of patches"):
        VisionModel(str(save_resnet(tmp_path / "resnet")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"can't be loaded .*; check the folder"):
        VisionModel(str(tmp_path / "empty"))


def test_a_model_that_is_not_here_is_named_with_the_command_that_fetches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="hf download nobody/has-this"):
        VisionModel("nobody/has-this")
