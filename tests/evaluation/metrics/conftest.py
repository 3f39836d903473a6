"""What tests of metrics share."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from testing.tiny_vision_models import save_dino


@pytest.fixture(scope="session")
def dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny DINO."""
    return save_dino(tmp_path_factory.mktemp("dino"))


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[object]]:
    """lpips and dreamsim, which compare mean colours; what they are made with is kept."""
    made: dict[str, list[object]] = {"lpips": [], "dreamsim": []}

    class LPIPS(torch.nn.Module):
        def __init__(self, net: str, verbose: bool) -> None:
            super().__init__()
            made["lpips"].append((net, verbose))

        def forward(self, one: torch.Tensor, other: torch.Tensor, normalize: bool) -> torch.Tensor:
            assert one.shape == other.shape == (1, 3, 256, 256)
            assert normalize
            assert 0 <= float(one.min()) <= float(one.max()) <= 1
            return (one - other).abs().mean().reshape(1, 1, 1, 1)

    def dreamsim(pretrained: bool, device: str, cache_dir: str, dreamsim_type: str) -> tuple[object, object]:
        made["dreamsim"].append((pretrained, device, dreamsim_type))
        print("Using cached")
        return (
            lambda one, other: (one - other).abs().mean().reshape(1),
            lambda image: torch.from_numpy(np.asarray(image.convert("RGB").resize((224, 224)), np.float32) / 255)[None],
        )

    monkeypatch.setitem(sys.modules, "lpips", _module("lpips", LPIPS=LPIPS))
    monkeypatch.setitem(sys.modules, "dreamsim", _module("dreamsim", dreamsim=dreamsim))
    return made


def _module(name: str, **content: object) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(content)
    return made
