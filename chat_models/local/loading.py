"""From ``transformers:MODEL`` to a chat model, or one line that says why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagerag.chat_models.images import TAG, ImageLimit, limit_by_name
from imagerag.chat_models.local.model import LocalChatModel
from imagerag.device_settings import DeviceSettings
from imagerag.devices import is_out_of_memory
from imagerag.errors import UserError
from imagerag.extras import missing
from imagerag.hub_offline import offline_where_unreachable
from imagerag.model_files import ModelFiles
from imagerag.model_hub import damaged_weights, http_error, not_fetched, refusal, silence_libraries

if TYPE_CHECKING:
    import torch

PREFIX = "transformers:"


@lru_cache(maxsize=2)
def load_local(name: str, settings: DeviceSettings | None = None) -> LocalChatModel:
    """Load a checkpoint, once per process, whoever asks it; weights only from safetensors.

    Args:
        name: ``transformers:`` and a model id or a folder.
        settings: where and how, as for generators; ``4bit`` quantises it, ``offload`` and ``sequential`` leave on the
            CPU what does not fit on the device.

    Raises:
        UserError: it isn't here and can't be fetched, has no chat template, or a device or library is lacking.
    """
    silence_libraries()
    model_id = str(Path(name.removeprefix(PREFIX)).expanduser())
    with offline_where_unreachable([model_id]):
        return _loaded(name, model_id, settings or DeviceSettings())


def _loaded(name: str, model_id: str, settings: DeviceSettings) -> LocalChatModel:
    import transformers
    from transformers import AutoConfig, AutoProcessor, AutoTokenizer

    options, device = _placed(name, settings)
    try:
        config = AutoConfig.from_pretrained(model_id)
        sees = type(config) in transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        factory: Any = transformers.AutoModelForImageTextToText if sees else transformers.AutoModelForCausalLM
        processor: Any = (AutoProcessor if sees else AutoTokenizer).from_pretrained(model_id)
        model = factory.from_pretrained(model_id, use_safetensors=True, **options).eval()
        if "device_map" not in options:
            model.to(device)
    except Exception as error:
        if is_out_of_memory(error):
            raise _no_memory(name, device) from error
        if (damaged := damaged_weights(name, error)) is not None:
            raise damaged from error
        if not isinstance(error, (OSError, ValueError, KeyError, ImportError, RuntimeError, http_error())):
            raise
        reason = " ".join(str(error).split())[:200]
        if isinstance(error, ImportError) and "num2words" in reason:  # in which SmolVLM's processor counts frames
            raise missing("num2words", "vlm", f"model {name!r}") from error
        if Path(model_id).exists() or Path(model_id).is_absolute() or isinstance(error, ImportError):
            raise UserError(f"model {name!r} can't be loaded ({reason}); check the folder") from error
        if isinstance(error, ValueError | RuntimeError) and refusal(model_id, error) is None:
            raise UserError(
                f"model {name!r} can't be loaded ({reason}); name a repository with a checkpoint of transformers"
            ) from error
        raise not_fetched(model_id, error, patterns=ModelFiles(texts=True).patterns) from error
    if not getattr(processor, "chat_template", None):  # some keep it with the tokenizer alone
        processor.chat_template = getattr(getattr(processor, "tokenizer", None), "chat_template", None)
    if not processor.chat_template:
        raise UserError(
            f"model {name!r} has no chat template; take a checkpoint tuned for chat (often named -Instruct)"
        )
    return LocalChatModel(
        model=model,
        processor=processor,
        name_or_path=model_id,
        takes_images=sees,
        image_limit=image_limit(getattr(processor, "image_processor", None)),
        metadata={TAG: name},
    )


def _no_memory(name: str, device: torch.device) -> UserError:
    less = "close what else uses it" if device.type == "cpu" else "give --vlm-memory 4bit or offload"
    return UserError(f"model {name!r} does not fit into the memory of {str(device)!r}; {less}, or take a smaller model")


def _placed(name: str, settings: DeviceSettings) -> tuple[dict[str, Any], torch.device]:
    """Return what ``from_pretrained`` is told about numbers and places, and the device to compute on.

    Raises:
        UserError: there is no such device, or none that computes in 4 bits.
    """
    import transformers

    from imagerag.devices import choose_device, choose_dtype
    from imagerag.generators.diffusion.quantisation import has_4bit

    device = choose_device(settings)
    dtype = choose_dtype(settings, device)
    options: dict[str, Any] = {"dtype": dtype}
    if settings.memory == "4bit":
        if device.type == "cpu":
            raise UserError(f"model {name!r} in 4 bits needs a GPU; give --memory auto, and no --vlm-memory")
        if not has_4bit():
            raise missing("bitsandbytes", "diffusion", f"model {name!r} in 4 bits")
        quantised: Any = transformers.BitsAndBytesConfig
        options["quantization_config"] = quantised(load_in_4bit=True, bnb_4bit_compute_dtype=dtype)
        options["device_map"] = {"": device}
    elif settings.memory in ("offload", "sequential") and device.type != "cpu":
        options["device_map"] = "auto"
    return options, device


def image_limit(processor: Any) -> ImageLimit | None:
    """Return how large a checkpoint's own image processor takes images; ``None`` where it does not say.

    Its ``size`` means pixels of a side, but for Qwen-VL and its like, which merge patches, pixels of the whole image.
    Those that cut an image into tiles of that size tell how many they make of it at most, each in words of its own.
    """
    size = {name: int(value) for name, value in dict(getattr(processor, "size", None) or {}).items() if value}
    if (merge := getattr(processor, "merge_size", None)) and "longest_edge" in size:
        return ImageLimit(pixels=size["longest_edge"], tile=int(processor.patch_size) * int(merge), each=1)
    usual = limit_by_name("")
    if grid := getattr(processor, "image_grid_pinpoints", None):
        return replace(usual, long=max(max(pair) for pair in grid))
    if "longest_edge" in size:
        return replace(usual, long=size["longest_edge"])
    side = max((size[name] for name in ("height", "width", "shortest_edge") if name in size), default=None)
    if side is None:
        return None
    tiles = next((found for switch, most in _TILES if switch(processor) and (found := getattr(processor, most, 0))), 1)
    if tiles > 1:
        return replace(usual, long=None, pixels=tiles * side * side)
    return replace(usual, long=None, short=side)


_TILES: tuple[tuple[Callable[[Any], Any], str], ...] = (
    (lambda processor: True, "max_image_tiles"),  # Llama 3.2
    (lambda processor: True, "dynamic_hd"),  # Phi 4
    (lambda processor: getattr(processor, "crop_to_patches", True), "max_patches"),  # InternVL, Llama 4
    (lambda processor: getattr(processor, "do_pan_and_scan", False), "pan_and_scan_max_num_crops"),  # Gemma 3
)
"""When an image processor makes tiles, and by which of its attributes at most how many."""
