"""The VAE encodes a reference once, and the pixels are the same as if it did each time."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from imagerag.generators.base import DrawRequest
from imagerag.generators.diffusion import latent_cache
from imagerag.generators.diffusion.latent_cache import bytes_of, remember_latents
from testing.family_requests import load_family, references


class Vae:
    """Encodes, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def encode(self, x: torch.Tensor, return_dict: bool = True) -> Any:
        self.calls += 1
        return SimpleNamespace(latent_dist=SimpleNamespace(mean=x * 2, logvar=x))


@torch.no_grad()
def test_the_same_pixels_are_encoded_once_and_what_comes_of_them_is_each_callers_own() -> None:
    vae = Vae()
    pipeline = SimpleNamespace(vae=vae)
    remember_latents(pipeline)
    remember_latents(pipeline)  # placing the weights anew asks again
    first = pipeline.vae.encode(torch.ones(1, 3, 4, 4))
    first.latent_dist.mean.mul_(0)
    again = pipeline.vae.encode(torch.ones(1, 3, 4, 4))
    assert again.latent_dist.mean.min() == 2
    pipeline.vae.encode(torch.zeros(1, 3, 4, 4))
    pipeline.vae.encode(torch.ones(1, 3, 8, 2))
    assert vae.calls == 3


@torch.no_grad()
def test_what_is_kept_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bytes_of((torch.zeros(2), SimpleNamespace(a=torch.zeros(1, dtype=torch.float16), b="c"))) == 10
    monkeypatch.setattr(latent_cache, "MOST_BYTES", 100)
    vae = Vae()
    pipeline = SimpleNamespace(vae=vae)
    remember_latents(pipeline)
    for value in (1.0, 2.0, 1.0):  # of each, 64 bytes
        pipeline.vae.encode(torch.full((8,), value))
    assert vae.calls == 3
    pipeline.vae.encode(torch.zeros(1000))
    pipeline.vae.encode(torch.full((8,), 1.0))
    assert vae.calls == 4, "what is too large pushes nothing out"


def test_a_pipeline_without_a_vae_stays_as_it_is() -> None:
    remember_latents(SimpleNamespace())


EDITING = [
    "qwen-edit", "qwen-edit-1", "kontext", "flux2", "flux2-klein", "longcat-edit", "joy-edit", "joy-edit-plus",
    "fibo-edit", "omnigen", "flux2-klein-9b-kv",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("small_pictures")
@pytest.mark.parametrize("name", EDITING)
def test_a_redraw_with_the_same_references_encodes_none_and_draws_the_same(name: str, family_folder: Path) -> None:
    generator = load_family(family_folder, name)
    calls: list[int] = []
    vae = generator.pipeline.vae
    vae.encoder.register_forward_hook(lambda *_: calls.append(1))
    request = DrawRequest("an owl", (1,), references(1), 0.7)
    first = np.asarray(generator.draw(request)[0].image)
    once = len(calls)
    assert once
    generator.draw(DrawRequest("an owl, again", (2,), references(1), 0.9))
    again = np.asarray(generator.draw(request)[0].image)
    assert len(calls) == once
    assert np.array_equal(again, first)
    vae.encode.known_latents.clear()
    for pipeline in (generator.pipeline, generator._loaded.family.pipeline_for(())):
        for encoder in ("encode_prompt", "encode_prompt_multiple_images"):
            if hasattr(pipeline, encoder):
                getattr(pipeline, encoder).known_prompts.clear()
    assert np.array_equal(np.asarray(generator.draw(request)[0].image), first)
    assert len(calls) == 2 * once


@pytest.mark.slow
@pytest.mark.usefixtures("small_pictures")
@pytest.mark.parametrize("name", ["qwen-edit", "longcat-edit", "joy-edit-plus"])
def test_words_with_pictures_are_encoded_once_for_all_candidates(name: str, family_folder: Path) -> None:
    generator = load_family(family_folder, name)
    calls: list[int] = []
    generator.pipeline.text_encoder.register_forward_hook(lambda *_: calls.append(1))
    generator.draw(DrawRequest("an owl", (1,), references(1), 0.7))
    once = len(calls)
    assert once
    generator.draw(DrawRequest("an owl", (2, 3), references(1), 0.7))
    assert len(calls) == once


def test_who_learns_has_each_computed() -> None:
    calls = []

    class Vae:
        def encode(self, pixels: torch.Tensor) -> torch.Tensor:
            calls.append(1)
            return pixels * 2

    pipeline = SimpleNamespace(vae=Vae())
    remember_latents(pipeline)
    for _ in range(2):
        pipeline.vae.encode(torch.ones(1, requires_grad=True))
    assert len(calls) == 2
