"""Tiny vision transformers with random weights, saved to disk to be loaded again as any checkpoint is."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    BitImageProcessor,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTImageProcessor,
    ViTModel,
)

SIDE, PATCH = 32, 8
_SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": SIDE}
_SIZE = {"height": SIDE, "width": SIDE}


def save_dino(folder: Path) -> Path:
    """DINO: a vision transformer of the first kind."""
    torch.manual_seed(0)
    config: Any = ViTConfig(**_SMALL, patch_size=PATCH, intermediate_size=37)
    model: Any = ViTModel(config)
    return _saved(folder, model, ViTImageProcessor(size=_SIZE))


def save_dinov2(folder: Path) -> Path:
    """DINOv2 with four registers between the class token and the patches."""
    torch.manual_seed(0)
    config: Any = Dinov2WithRegistersConfig(**_SMALL, patch_size=PATCH, num_register_tokens=4)
    model: Any = Dinov2WithRegistersModel(config)
    processor: Any = BitImageProcessor(size={"shortest_edge": SIDE}, crop_size=_SIZE)
    return _saved(folder, model, processor)


def save_resnet(folder: Path) -> Path:
    """A model without patches."""
    torch.manual_seed(0)
    config: Any = ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], num_labels=2)
    model: Any = ResNetModel(config)
    return _saved(folder, model, ViTImageProcessor(size=_SIZE))


def _saved(folder: Path, model: Any, processor: Any) -> Path:
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
