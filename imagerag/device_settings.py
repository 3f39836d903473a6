"""Where and how the weights of local models are held: the same settings for every model that runs here."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from imagerag.declaration import check_settings, setting

Memory = Literal["auto", "full", "offload", "sequential", "4bit"]
MEMORY_MODES: tuple[Memory, ...] = get_args(Memory)
DTYPES = ("auto", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class DeviceSettings:
    """How to hold a model.

    Raises:
        UserError: naming a value that no device can take, and what is valid.
    """

    device: str = setting(
        "auto",
        help="device on which local models compute, as in cpu, cuda, cuda:1 or mps",
        details="`auto` is the fastest one there is.",
        reserved="part",
    )
    dtype: str = setting(
        "auto",
        help="number format of local models",
        details="`auto` is what the device computes fastest without losing quality.",
        metavar="TYPE",
        choices=DTYPES,
        reserved="part",
    )
    memory: Memory = setting(
        "auto",
        help="how local models hold their weights",
        details="`full` keeps all weights on the device; `offload` one model (text encoder, denoiser, VAE) at a time; "
        "`sequential` one layer at a time; `4bit` quantises the large ones; `auto` picks by free memory.",
        metavar="MODE",
        choices=MEMORY_MODES,
        reserved="part",
    )

    vlm_memory: Memory | None = setting(
        None,
        help="how a local chat model holds its weights, where that is another way than --memory",
        details="A VLM in 4 bits leaves the memory to a generator in 16, for one; `auto` is as `--memory` says.",
        metavar="MODE",
        choices=MEMORY_MODES,
        default_text="as --memory",
        reserved="part",
    )

    @property
    def of_vlm(self) -> "DeviceSettings":
        """The settings by which a chat model is held: ``memory`` is its own."""
        apart = self.vlm_memory
        return self if apart is None or apart == "auto" else replace(self, memory=apart, vlm_memory=None)

    def __post_init__(self) -> None:
        """Refuse what the fields don't declare."""
        check_settings(self)
