"""How many pictures a second an index embeds on this device: CLIP models of true size with random weights."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image

from imagerag.embedders.clip import OpenClipEmbedder, load_embedder
from testing.gpu_rows import free_everything, peak_gb

MODELS = ("ViT-B-32", "ViT-L-14")
"""Those of open_clip's configurations whose tokenizer comes with open_clip itself."""


def print_rows(device: torch.device, pictures: int = 512, models: tuple[str, ...] = MODELS) -> None:
    """Print a row per model and number format.

    Args:
        device: where they compute.
        pictures: how many are embedded, after as many as one batch holds, which are not counted.
        models: names of open_clip's configurations.
    """
    print("clip | dtype | pictures a second | peak GB")
    print("---- | ----- | ----------------- | -------")
    some = [Image.effect_noise((640, 480), 80).convert("RGB") for _ in range(min(pictures, 64))]
    many = [some[k % len(some)] for k in range(pictures)]
    for name in models:
        with tempfile.TemporaryDirectory() as folder:
            embedder = load_embedder(f"open_clip:local-dir:{_saved(name, Path(folder))}", str(device))
        assert isinstance(embedder, OpenClipEmbedder)
        for dtype in (torch.float32, torch.bfloat16):
            free_everything()
            used = embedder.computing_in(dtype) if dtype is torch.bfloat16 else embedder
            used.embed_images(some)
            began = time.perf_counter()
            used.embed_images(many)  # returns NumPy arrays, so that all is computed by then
            rate = pictures / (time.perf_counter() - began)
            peak = peak_gb()
            print(f"{name} | {str(dtype)[6:]} | {rate:.0f} | {'-' if peak is None else f'{peak:.2f}'}", flush=True)


def _saved(name: str, folder: Path) -> Path:
    """Save a model of random weights as open_clip keeps one in a folder."""
    import open_clip
    from safetensors.torch import save_model

    torch.manual_seed(0)
    model = open_clip.create_model(name)
    config = {"model_cfg": open_clip.get_model_config(name), "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    save_model(model, str(folder / "open_clip_model.safetensors"))
    return folder
