"""The diffusers pipeline of Patchwork: saving, callbacks and interrupts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from imagerag.assets.library import Library
from imagerag.generators.patchwork.pipeline import PatchworkPipeline, default_scheduler
from imagerag.generators.patchwork.sampling import DdimSchedule, Layer, Walks
from testing.patchwork_requests import SIZE


@pytest.fixture
def layers(library: Library) -> Sequence[Layer]:
    examples = []
    for row in library.by_concept["owl"][:3]:
        rgba = np.asarray(library.image(row).resize((48, 48)), dtype=np.float32) / 255
        examples.append(np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], axis=-1).transpose(2, 0, 1))
    stack = torch.from_numpy(np.stack(examples))
    return [Layer(stack, torch.zeros(len(stack)), tuple(range(2, 2 + len(stack))), left=-4, top=30)]


def test_a_saved_pipeline_draws_the_same(layers: Sequence[Layer], tmp_path: Path) -> None:
    pipeline = PatchworkPipeline(default_scheduler())
    pipeline.save_pretrained(tmp_path)
    loaded = PatchworkPipeline.from_pretrained(tmp_path)
    one = pipeline(layers, (1, 2), size=SIZE, num_inference_steps=6, output_type="np").images
    other = loaded(layers, (1, 2), size=SIZE, num_inference_steps=6, output_type="np", return_dict=False)[0]
    assert one.shape == (2, SIZE, SIZE, 3)
    assert np.array_equal(one, other)


def test_a_callback_can_interrupt_and_replace_the_latents(layers: Sequence[Layer]) -> None:
    steps: list[int] = []

    def after(pipeline: PatchworkPipeline, step: int, _: int, tensors: dict[str, torch.Tensor]) -> dict[str, object]:
        steps.append(step)
        pipeline._interrupt = step == 2
        return {"latents": torch.full_like(tensors["latents"], -1)} if step == 2 else {}

    drawn = PatchworkPipeline(default_scheduler())(
        layers, (1,), size=SIZE, num_inference_steps=6, output_type="np", callback_on_step_end=after
    )
    assert steps == [0, 1, 2]
    assert np.array_equal(drawn.images, np.ones((1, SIZE, SIZE, 3))), "latents of -1 are wholly transparent"


def test_the_generator_samples_as_the_pipeline_does(layers: Sequence[Layer]) -> None:
    piped = PatchworkPipeline(default_scheduler())(layers, (1, 2), size=SIZE, num_inference_steps=7, output_type="np")
    schedule = DdimSchedule(7)
    with torch.no_grad(), Walks(layers, (1, 2), schedule) as walks:
        for timestep in schedule.timesteps:
            walks.step(timestep)
        drawn = [picture.permute(1, 2, 0).numpy() for picture in walks.pictures((255, 255, 255), SIZE)]
    assert np.array_equal(piped.images, np.stack(drawn))


@pytest.mark.parametrize("steps", [1, 24, 200])
def test_the_schedule_is_that_of_diffusers(steps: int) -> None:
    theirs, ours = default_scheduler(), DdimSchedule(steps)
    theirs.set_timesteps(steps)
    assert torch.equal(ours.timesteps, theirs.timesteps)
    assert torch.equal(ours.alphas_cumprod, theirs.alphas_cumprod)
    latents, clean = torch.randn(2, 64, generator=torch.Generator().manual_seed(1))
    for timestep in ours.timesteps:
        expected = theirs.step(clean, timestep, latents).prev_sample
        assert torch.equal(ours.step(clean, timestep, latents).prev_sample, expected)
        latents = expected
