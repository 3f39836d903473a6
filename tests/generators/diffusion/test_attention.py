"""Attention by another kernel: chosen by the device and what is installed, for one model and no other."""

from pathlib import Path

import numpy as np
import pytest
import torch

from imagerag.generators.base import DrawRequest
from imagerag.generators.diffusion import attention, loading
from imagerag.generators.diffusion.attention import FLASH_3, NATIVE, SAGE, faster_attention, set_attention
from testing.family_requests import load_family

OWL = DrawRequest("an owl", (1,))
GPU = torch.device("cuda")


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(attention, "find_spec", lambda name: name)
    monkeypatch.setattr(torch.version, "hip", None)
    return monkeypatch


def test_a_hopper_computes_by_flash_attention_3_where_it_is_installed(card: pytest.MonkeyPatch) -> None:
    assert faster_attention(GPU, torch.bfloat16, approximate=False) == FLASH_3
    assert faster_attention(GPU, torch.float32, approximate=False) == NATIVE
    assert faster_attention(torch.device("cpu"), torch.bfloat16, approximate=True) == NATIVE
    card.setattr(torch.cuda, "get_device_capability", lambda device: (8, 9))
    assert faster_attention(GPU, torch.bfloat16, approximate=False) == NATIVE
    card.setattr(attention, "find_spec", lambda name: None)
    assert faster_attention(GPU, torch.bfloat16, approximate=True) == NATIVE


def test_eight_bits_are_taken_only_where_it_may_be_approximate(card: pytest.MonkeyPatch) -> None:
    card.setattr(torch.cuda, "get_device_capability", lambda device: (8, 9))
    assert faster_attention(GPU, torch.float16, approximate=True) == SAGE
    card.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert faster_attention(GPU, torch.float16, approximate=True) == NATIVE


def test_amd_computes_by_torchs_own(card: pytest.MonkeyPatch) -> None:
    card.setattr(torch.version, "hip", "6.4")
    assert faster_attention(GPU, torch.bfloat16, approximate=True) == NATIVE


@pytest.mark.slow
def test_one_models_kernel_is_not_that_of_others(family_folder: Path) -> None:
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    before = _AttentionBackendRegistry.get_active_backend()
    generator = load_family(family_folder, "flux")
    plain = np.asarray(generator.draw(OWL)[0].image, np.int16)
    assert set_attention(generator.pipeline.transformer, "_native_math") == "_native_math"
    assert _AttentionBackendRegistry.get_active_backend() == before
    assert np.abs(np.asarray(generator.draw(OWL)[0].image, np.int16) - plain).mean() < 1
    unet = load_family(family_folder, "sd15").pipeline.unet
    assert set_attention(unet, "_native_math") == NATIVE


@pytest.mark.slow
def test_a_kernel_that_fails_is_replaced_by_torchs_own_and_that_is_told(
    family_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = np.asarray(load_family(family_folder, "flux").draw(OWL)[0].image)
    monkeypatch.setattr(loading, "faster_attention", lambda *_, **__: "_native_cudnn")  # for which there is no GPU
    generator = load_family(family_folder, "flux")
    revision = generator.revision
    drawing = generator.draw(OWL)[0]
    assert np.array_equal(np.asarray(drawing.image), plain)
    told = drawing.facts["notes"]
    assert isinstance(told, list)
    assert "attention by '_native_cudnn' failed" in told[-1]
    assert drawing.facts["attention"] == NATIVE
    assert generator.revision != revision
    assert generator.draw(OWL)[0].facts["notes"] == []


@pytest.mark.slow
def test_a_package_that_cannot_be_used_is_told(family_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "faster_attention", lambda *_, **__: FLASH_3)
    told = load_family(family_folder, "flux").draw(OWL)[0].facts["notes"]
    assert isinstance(told, list)
    assert "attention by '_flash_3' can't be used here" in told[0]
