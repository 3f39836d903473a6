"""Tiny checkpoints of the CLIP architecture."""

import json
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


def save_checkpoint(folder: Path, seed: int) -> Path:
    """Write a tiny model of the CLIP architecture, with random weights, as open_clip keeps them in a folder."""
    folder.mkdir()
    torch.manual_seed(seed)
    model = open_clip.CLIP(**{**TINY, "vision_cfg": TINY["vision_cfg"], "text_cfg": TINY["text_cfg"]})
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3}
    content = {"model_cfg": TINY, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder
