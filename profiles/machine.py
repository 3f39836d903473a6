"""What models can take of this machine: its device, that device's free memory, and the host's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from imagerag.device_settings import DeviceSettings, Memory

Kind = Literal["cuda", "mps", "cpu"]


@dataclass(frozen=True)
class Machine:
    """Where models compute.

    Attributes:
        kind: of device. AMD's devices are called cuda, too, as PyTorch has it.
        name: of the device, as in ``cuda:1``.
        free: bytes that models may still take of its memory.
        host: bytes that they may still take of the machine's own memory; on Apple's and on a CPU that is the same
            memory once more.
        bytes_each: of a parameter, in the number format that the device computes in.
        has_4bit: whether models can be held in 4 bits there.
    """

    kind: Kind
    name: str
    free: int
    host: int
    bytes_each: int
    has_4bit: bool = False

    @property
    def modes(self) -> tuple[Memory, ...]:
        """How models can be held so that memory is spared, the fastest way first; see ``--memory``.

        Where device and host share one memory, moving models from one to the other frees nothing.
        """
        if self.kind != "cuda":
            return ("full",)
        return ("full", "offload", "4bit") if self.has_4bit else ("full", "offload")

    @property
    def told(self) -> str:
        """The free memory in words."""
        return f"{self.free / 1e9:.0f} GB free on {self.name}"


def this_machine(device: DeviceSettings) -> Machine:
    """Return this machine before any model of ours was loaded: it is asked once a process, later ours lie in it.

    Raises:
        UserError: there is no such device.
    """
    return _asked(device.device, device.dtype)


@lru_cache(maxsize=8)
def _asked(device_name: str, dtype: str) -> Machine:
    import psutil

    from imagerag.devices import choose_device, choose_dtype, free_for_models, may_have_gpu

    host = int(psutil.virtual_memory().available)
    if (device_name == "cpu" or (device_name == "auto" and not may_have_gpu())) and dtype == "auto":
        return Machine("cpu", "cpu", host, host, 4)  # torch takes seconds to import
    settings = DeviceSettings(device=device_name, dtype=dtype)
    device = choose_device(settings)
    each = choose_dtype(settings, device).itemsize
    kind: Kind = "mps" if device.type == "mps" else "cpu" if device.type == "cpu" else "cuda"
    if kind != "cuda":
        return Machine(kind, str(device), free_for_models(device), host, each)
    from imagerag.generators.diffusion.quantisation import has_4bit

    return Machine(kind, str(device), free_for_models(device), host, each, has_4bit())
