"""Previews from latents, by the linear map that the VAE teaches."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from imagerag.generators.base import DrawControl, Drawing, DrawRequest
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.previews import Previews
from testing.diffusion_requests import preset
from testing.family_requests import load_family


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


def _pipeline(**vae: Any) -> Any:
    config = SimpleNamespace(latent_channels=4, scaling_factor=1.0)
    found = {"config": config, "device": torch.device("cpu"), "dtype": torch.float32, **vae}
    return SimpleNamespace(vae=SimpleNamespace(**found), vae_scale_factor=8)


def _colours(sheet: torch.Tensor) -> Any:
    small = torch.nn.functional.avg_pool2d(sheet, 8)
    mean = torch.cat([small, small[:, :1]], dim=1)
    return SimpleNamespace(latent_dist=SimpleNamespace(mean=mean))


def test_what_can_not_be_made_is_not_shown_and_not_tried_again() -> None:
    """FIBO has an ``_unpack_latents`` of FLUX.1's, and packs its latents otherwise."""
    tried = []

    def fail(*_: Any) -> torch.Tensor:
        tried.append(1)
        raise RuntimeError("shape '[1, 29, 29, 4, 2, 2]' is invalid for input of size 53824")

    pipeline = _pipeline()
    pipeline._unpack_latents = fail
    previews = Previews(pipeline)
    assert [previews.show(torch.zeros(1, 16, 4), 64, 64) for _ in range(3)] == [None] * 3
    assert len(tried) == 1
    assert "invalid for input of size 53824" in (previews.failure() or "")
    assert previews.failure() is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["krea2-turbo", "fibo-edit"])
def test_a_drawing_is_not_lost_by_a_preview_that_can_not_be_made(name: str, family_folder: Path) -> None:
    """Krea 2 has an ``_unpack_latents`` with other parameters."""
    generator = load_family(family_folder, name, steps=6)
    (drawing,) = generator.draw(DrawRequest("an owl", (1,)), DrawControl(on_preview=lambda image: None))
    assert drawing.image.size == (32, 32)
    assert [note for note in notes_of(drawing) if "previews can't be shown" in note]
    (again,) = generator.draw(DrawRequest("an owl", (2,)), DrawControl(on_preview=lambda image: None))
    assert not any("previews" in note for note in notes_of(again))


def notes_of(drawing: Drawing) -> list[str]:
    notes = drawing.facts["notes"]
    assert isinstance(notes, list)
    return notes


def test_a_pipeline_without_latents_or_a_vae_shows_nothing() -> None:
    assert Previews(_pipeline()).show(None, 64, 64) is None
    assert Previews(SimpleNamespace()).show(torch.zeros(1, 4, 8, 8), 64, 64) is None


def test_weights_that_lie_nowhere_in_between_are_asked_where_they_compute() -> None:
    """As with ``--memory sequential``, whose parameters are on ``meta``, from which nothing can be read."""
    pipeline = _pipeline(device=torch.device("meta"), encode=_colours)
    pipeline._execution_device = torch.device("cpu")
    shown = Previews(pipeline).show(torch.ones(1, 4, 8, 8), 64, 64)
    assert shown is not None
    assert shown.getpixel((0, 0)) == (255, 255, 255)


def test_a_vae_that_overflows_shows_nothing() -> None:
    broken = torch.full((1, 4, 8, 27 * 8), torch.nan)
    pipeline = _pipeline(encode=lambda sheet: SimpleNamespace(latent_dist=SimpleNamespace(mean=broken)))
    assert Previews(pipeline).show(torch.ones(1, 4, 8, 8), 64, 64) is None


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
