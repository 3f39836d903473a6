"""What ``--fast`` takes of what diffusers offers for a loaded pipeline, and taking it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

from imagerag.device_settings import Memory
from imagerag.generators.diffusion.attention import (
    NATIVE,
    SAGE,
    faster_attention,
    native_attention,
    set_attention,
    takes_kernels,
)
from imagerag.generators.diffusion.fast_offers import ONE_PASS, StepCache, step_cache_of


@dataclass(frozen=True)
class Taken:
    """What of it is taken for one pipeline.

    Attributes:
        step_cache: which cache of steps, if any.
        compiled: its repeated blocks are compiled (``compile_repeated_blocks``).
        channels_last: its convolutions read memory channels last.
        attention: how attention is computed; see ``faster_attention``.
    """

    step_cache: StepCache | None = None
    compiled: bool = False
    channels_last: bool = False
    attention: str = NATIVE

    @property
    def names(self) -> list[str]:
        """What is taken beyond what every drawing has, in words; empty if that is nothing."""
        told = [self.step_cache or "", "compiled blocks" * self.compiled, "channels last" * self.channels_last]
        return [name for name in [*told, "SageAttention" * (self.attention == SAGE)] if name]


def taken_for(
    pipelines: tuple[Any, ...], steps: int, device: torch.device, dtype: torch.dtype, mode: Memory, quantised: bool
) -> Taken:
    """Return what is taken for pipelines over one denoiser.

    Args:
        pipelines: that with references and that without; may be the same.
        steps: denoising steps.
        device: where they compute.
        dtype: in what.
        mode: where the weights lie. Layers that come and go one by one can neither be compiled nor left out.
        quantised: the weights are in less than 16 bits, which are neither compiled nor laid out anew here.
    """
    if mode == "sequential":
        return Taken()
    denoiser = denoiser_of(pipelines[0])
    cache = step_cache_of(tuple(type(pipeline).__name__ for pipeline in pipelines), steps)
    return Taken(
        cache,
        bool(getattr(denoiser, "_repeated_blocks", ())) and not quantised and can_compile(device),
        isinstance(getattr(pipelines[0], "unet", None), torch.nn.Module) and not quantised,
        faster_attention(device, dtype, approximate=True) if takes_kernels(denoiser) else NATIVE,
    )


def can_compile(device: torch.device) -> bool:
    """Tell whether torch compiles for a device here: for NVIDIA's and AMD's GPUs, by Triton.

    A CPU's code would be built by a C++ compiler in minutes, which nothing here gains back.
    """
    from torch.utils._triton import has_triton

    return device.type == "cuda" and has_triton()


def denoiser_of(pipeline: Any) -> Any:
    """Return the transformer or UNet of a pipeline."""
    return getattr(pipeline, "transformer", None) or pipeline.unet


class Acceleration:
    """What is taken, on the parts of a pipeline whose weights are placed; nothing of it until ``switch_on``.

    Args:
        pipeline: of diffusers.
        taken: what to take.
        attention: what the pipeline's attention is computed by without it.
        compiler: of torch; its own if not given.
    """

    def __init__(self, pipeline: Any, taken: Taken, attention: str = NATIVE, compiler: Any = "inductor") -> None:
        self.taken = taken
        self._pipeline, self._denoiser = pipeline, denoiser_of(pipeline)
        self._attention, self._compiler = attention, compiler
        self._is_on = False
        self._hooks: list[RemovableHandle] = []

    def switch_on(self) -> None:
        """Draw with it from now on.

        Raises:
            RuntimeError, ImportError: a package is not built for this machine.
        """
        if self._is_on:
            return
        self._is_on = True
        if self.taken.step_cache is not None:
            import diffusers

            self._denoiser.enable_cache(getattr(diffusers, f"{self.taken.step_cache}Config")())
            if type(self._pipeline).__name__ in ONE_PASS:
                self._keep_cache()
        self._lay_out(torch.channels_last)
        if self.taken.attention != self._attention:
            set_attention(self._denoiser, self.taken.attention)
        if self.taken.compiled:
            self._denoiser.compile_repeated_blocks(backend=self._compiler)

    def remove(self) -> None:
        """Draw as the pipeline does by itself from now on."""
        if not self._is_on:
            return
        self._is_on = False
        if self.taken.step_cache is not None:
            for hook in self._hooks:
                hook.remove()
            self._denoiser.disable_cache()
        self._lay_out(torch.contiguous_format)
        if self.taken.attention != self._attention:
            native_attention(self._denoiser)
            set_attention(self._denoiser, self._attention)
        if self.taken.compiled:
            for module in self._denoiser.modules():
                module._compiled_call_impl = None  # what ``Module.compile`` sets; torch has no way back by itself

    def _keep_cache(self) -> None:
        """Name the one cache there is at each pass of the denoiser, since its pipeline names none."""
        context = ExitStack()

        def begin(*_: Any) -> None:
            context.enter_context(self._denoiser.cache_context("only"))

        def end(*_: Any) -> None:
            context.close()

        self._hooks = [
            self._denoiser.register_forward_pre_hook(begin),
            self._denoiser.register_forward_hook(end, always_call=True),
        ]

    def _lay_out(self, order: torch.memory_format) -> None:
        if self.taken.channels_last:
            for part in (self._denoiser, self._pipeline.vae):
                part.to(memory_format=order)
