"""The sampler as a ``diffusers`` pipeline: scheduler, steps, callbacks and interruption are diffusers' own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

# From where they are defined: to a type checker, the package's own names are placeholders without methods.
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.utils.outputs import BaseOutput
from PIL import Image

from imagerag.generators.patchwork.sampling import Layer, Walks, betas, to_pil


@dataclass
class PatchworkOutput(BaseOutput):
    """Attributes:
    images: one RGB image per seed, or a (B, size, size, 3) array in 0..1 with ``output_type="np"``.
    """

    images: list[Image.Image] | np.ndarray


def default_scheduler() -> DDIMScheduler:
    """The deterministic DDIM scheduler (Song et al. 2021) of ``sampling.DdimSchedule``."""
    noise = betas()
    scheduler: DDIMScheduler = DDIMScheduler(
        num_train_timesteps=len(noise),
        trained_betas=noise,
        clip_sample=False,
        prediction_type="sample",
        timestep_spacing="trailing",
        set_alpha_to_one=True,
    )
    return scheduler


class PatchworkPipeline(DiffusionPipeline):
    """Draws layered pictograms from the examples it is given in the call; it has no weights. See ``sampling.Walks``.

    Args:
        scheduler: a variance-preserving diffusers scheduler (``alphas_cumprod``) with ``prediction_type="sample"``.
    """

    _callback_tensor_inputs = ["latents"]  # noqa: RUF012 - the name and type are diffusers'

    def __init__(self, scheduler: DDIMScheduler) -> None:
        super().__init__()
        register: Callable[..., None] = self.register_modules  # diffusers leaves it untyped
        register(scheduler=scheduler)
        self._interrupt = False

    @property
    def interrupt(self) -> bool:
        return self._interrupt

    @torch.no_grad()
    def __call__(
        self,
        layers: Sequence[Layer],
        seeds: Sequence[int],
        *,
        background: tuple[int, int, int] = (255, 255, 255),
        size: int = 128,
        num_inference_steps: int = 24,
        output_type: str = "pil",
        return_dict: bool = True,
        callback_on_step_end: Callable[[Any, int, int, dict[str, Any]], dict[str, Any]] | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> PatchworkOutput | tuple[Any]:
        """Draw one picture per seed.

        Args:
            layers: the objects, lowest first; may be empty (plain background).
            seeds: one picture each, 0 <= seed < 2**63.
            background: RGB, 0..255.
            size: side of the canvas in pixels.
            num_inference_steps: >= 1, at most the scheduler's number of training steps.
            output_type: ``pil`` or ``np``.
            return_dict: return ``PatchworkOutput`` rather than a tuple.
            callback_on_step_end: called with (pipeline, step, timestep, {"latents": (B, D)}) after each step; it may
                replace the latents, or set ``pipeline._interrupt`` to skip the remaining steps.
            callback_on_step_end_tensor_inputs: which tensors the callback gets; only ``latents`` is there.
        """
        unknown = set(callback_on_step_end_tensor_inputs) - set(self._callback_tensor_inputs)
        if unknown:
            raise ValueError(f"callback_on_step_end_tensor_inputs: {sorted(unknown)!r}; valid: ['latents']")
        self._interrupt = False
        self.scheduler.set_timesteps(num_inference_steps)
        with Walks(layers, seeds, self.scheduler) as walks:
            for index, timestep in enumerate(self.progress_bar(self.scheduler.timesteps)):
                if self.interrupt:
                    continue
                walks.step(timestep)
                if callback_on_step_end is None:
                    continue
                tensors = {"latents": walks.latents}
                changed = callback_on_step_end(self, index, int(timestep), dict(tensors)) or {}
                latents = changed.get("latents", tensors["latents"])
                if latents is not tensors["latents"]:
                    walks.latents = latents
        pictures = walks.pictures(background, size)
        images: list[Image.Image] | np.ndarray
        if output_type == "np":
            images = np.stack([picture.permute(1, 2, 0).numpy() for picture in pictures])
        else:
            images = [to_pil(picture) for picture in pictures]
        return PatchworkOutput(images=images) if return_dict else (images,)
