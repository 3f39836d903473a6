"""What is taken is on the pipeline while it is, and leaves nothing behind."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from imagerag.generators.base import DrawRequest
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.fast import Acceleration, Taken, can_compile, denoiser_of, taken_for
from testing.family_requests import load_family, references

OWL = DrawRequest("an owl", (1,))


def pixels(generator: DiffusionGenerator, request: DrawRequest = OWL) -> np.ndarray:
    return np.asarray(generator.draw(request)[0].image, np.int16)


def test_nothing_is_compiled_for_a_cpu() -> None:
    assert not can_compile(torch.device("cpu"))


def test_what_is_taken_in_words() -> None:
    assert Taken().names == []
    assert Taken("TaylorSeerCache", True, True, "sage").names == [
        "TaylorSeerCache", "compiled blocks", "channels last", "SageAttention",
    ]  # fmt: skip
    assert Taken(attention="_flash_3").names == []  # exact, and every drawing's


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "flux",
        "kontext",
        "flux2",
        "qwen-image",
        "qwen-edit",
        "flux2-klein-base",
        "qwen-image-21",
        "longcat-edit",
        "hunyuan-image",
    ],
)
@pytest.mark.usefixtures("small_pictures")
def test_a_step_cache_leaves_steps_out_and_draws_the_same_again(name: str, family_folder: Path) -> None:
    generator = load_family(family_folder, name, steps=12)
    denoiser = denoiser_of(generator.pipeline)
    if len(denoiser.transformer_blocks) < 2:
        denoiser.transformer_blocks.append(deepcopy(denoiser.transformer_blocks[0]))  # real ones have dozens
    family = generator._loaded.family
    pair = (generator.pipeline, family.pipeline_for(()))
    taken = taken_for(pair, 12, torch.device("cpu"), torch.float32, "full", False)
    calls: list[int] = []
    attention = [module for module in denoiser.modules() if hasattr(module, "to_q")][-1]
    attention.to_q.register_forward_hook(lambda *_: calls.append(1))
    for request in (OWL, DrawRequest("an owl", (1,), references(min(1, generator.max_references)), 0.7)):
        calls.clear()
        plain = pixels(generator, request)
        whole = len(calls)
        acceleration = Acceleration(generator.pipeline, taken)
        acceleration.switch_on()
        if taken.step_cache == "FirstBlockCache":  # random weights change more from step to step than trained ones
            set_threshold(denoiser, 10.0)
        calls.clear()
        fast = pixels(generator, request)
        assert len(calls) < whole
        assert np.array_equal(pixels(generator, request), fast)  # nothing is left of the drawing before
        acceleration.remove()
        assert np.array_equal(pixels(generator, request), plain)


def set_threshold(denoiser: Any, threshold: float) -> None:
    for module in denoiser.modules():
        hook = getattr(module, "_diffusers_hook", None)
        leader = hook.get_hook("fbc_leader_block_hook") if hook is not None else None
        if leader is not None:
            leader.threshold = threshold


@pytest.mark.slow
def test_blocks_are_compiled_once_whatever_the_scale_of_references(family_folder: Path) -> None:
    compiled: list[int] = []

    def compiler(module: Any, inputs: Any) -> Any:
        compiled.append(1)
        return module

    generator = load_family(family_folder, "sdxl")
    plain = pixels(generator)
    acceleration = Acceleration(generator.pipeline, Taken(compiled=True, channels_last=True), compiler=compiler)
    acceleration.switch_on()
    assert np.abs(pixels(generator) - plain).mean() < 0.1
    first = len(compiled)
    assert first
    for scale in (0.5, 0.7, 0.9):
        pixels(generator, DrawRequest("an owl", (1,), references(1), scale))
    with_references = len(compiled)
    pixels(generator, DrawRequest("an owl", (1,), references(1), 0.4))
    assert len(compiled) == with_references
    acceleration.remove()
    assert np.array_equal(pixels(generator), plain)


class Blocks(torch.nn.Module):
    """A denoiser with blocks to compile."""

    _repeated_blocks = ("Block",)


def test_quantised_weights_and_layers_that_come_and_go_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.generators.diffusion.fast.can_compile", lambda device: True)
    pipeline: Any = type("StableDiffusionXLPipeline", (), {"unet": Blocks()})()
    device, dtype = torch.device("cpu"), torch.float32
    assert taken_for((pipeline,), 30, device, dtype, "full", False) == Taken(compiled=True, channels_last=True)
    assert taken_for((pipeline,), 30, device, dtype, "4bit", True) == Taken()
    assert taken_for((pipeline,), 30, device, dtype, "sequential", False) == Taken()
