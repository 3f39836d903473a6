"""Previews from latents, by the linear map that the VAE teaches."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.previews import Previews
from testing.diffusion_requests import preset


@pytest.mark.slow
def test_a_preview_of_an_encoded_picture_looks_like_it(folder: Path) -> None:
    generator = DiffusionGenerator(preset(folder, "sd15"))
    vae = generator.pipeline.vae
    _teach(vae)
    colours = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    sheet = torch.nn.functional.interpolate(colours, size=(128, 128))
    latents = vae.encode(sheet * 2 - 1).latent_dist.mean * vae.config.scaling_factor
    image = Previews(generator.pipeline).show(latents, 128, 128)
    assert image is not None
    seen = np.asarray(image.resize((8, 8), Image.Resampling.BOX), np.float32) / 255
    truth = colours[0].permute(1, 2, 0).numpy()
    lightness = np.corrcoef(seen.mean(axis=2).ravel(), truth.mean(axis=2).ravel())[0, 1]
    assert lightness > 0.7


@pytest.mark.parametrize("shape", [(1, 16, 4), (1, 4, 3, 8, 8), (1, 7, 8, 8)], ids=["flat", "video", "other channels"])
def test_latents_of_a_layout_not_known_are_not_shown(shape: tuple[int, ...]) -> None:
    pipeline = SimpleNamespace(vae=SimpleNamespace(config=SimpleNamespace(latent_channels=4)), vae_scale_factor=8)
    assert Previews(pipeline).show(torch.zeros(shape), 64, 64) is None


def _teach(vae: Any) -> None:
    """Let a VAE of random weights learn for seconds what every trained one knows: to keep light and dark."""
    noise = torch.Generator().manual_seed(1)
    steps = torch.optim.Adam(vae.parameters(), 0.004)
    with torch.enable_grad():
        for _ in range(120):
            picture = torch.nn.functional.interpolate(torch.rand(4, 3, 4, 4, generator=noise), size=(32, 32)) * 2 - 1
            error = (vae.decode(vae.encode(picture).latent_dist.mean).sample - picture).square().mean()
            steps.zero_grad()
            error.backward()
            steps.step()
