"""Where and how the weights of a local model are held: the same three settings for every model that runs here."""

from dataclasses import dataclass
from typing import Literal, get_args

from imagerag.errors import UserError

Memory = Literal["auto", "full", "offload", "sequential", "4bit"]
MEMORY_MODES: tuple[Memory, ...] = get_args(Memory)
DTYPES = ("auto", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class DeviceSettings:
    """How to hold a model.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps`` ...: where it computes.
        dtype: one of ``DTYPES``; ``auto`` is what the device computes fastest without losing quality.
        memory: ``full`` keeps all weights on the device; ``offload`` one model (text encoder, denoiser, VAE) at a time;
            ``sequential`` one layer at a time; ``4bit`` quantises the large ones; ``auto`` picks by free memory.
    """

    device: str = "auto"
    dtype: str = "auto"
    memory: Memory = "auto"

    def __post_init__(self) -> None:
        """Refuse what no device can do.

        Raises:
            UserError: naming the value and what is valid.
        """
        if self.memory not in MEMORY_MODES:
            raise UserError(
                f"memory {self.memory!r} is not one of {', '.join(MEMORY_MODES)}; give --memory one of these"
            )
        if self.dtype not in DTYPES:
            raise UserError(f"dtype {self.dtype!r} is not one of {', '.join(DTYPES)}; give --dtype one of these")
