"""From ``transformers:MODEL`` to a chat model, or one line that says why not."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from imagerag.agent.local.model import LocalChatModel
from imagerag.agent.pictures import TAG, ImageLimit, limit_by_name
from imagerag.engines.settings import EngineSettings
from imagerag.errors import UserError

PREFIX = "transformers:"


@lru_cache(maxsize=2)
def load_local(name: str) -> LocalChatModel:
    """Load a checkpoint, once per process, whoever asks it; weights only from safetensors.

    Args:
        name: ``transformers:`` and a model id or a folder. ``IMAGERAG_DEVICE``, ``IMAGERAG_DTYPE`` and
            ``IMAGERAG_MEMORY`` say where and how, as for generators; ``4bit`` quantises it.

    Raises:
        UserError: it isn't here and can't be fetched, has no chat template, or a device or library is lacking.
    """
    import transformers
    from transformers import AutoConfig, AutoProcessor, AutoTokenizer

    from imagerag.engines.diffusion.memory import choose_device, choose_dtype, has_4bit

    settings = EngineSettings(
        os.environ.get("IMAGERAG_DEVICE") or "auto",
        os.environ.get("IMAGERAG_DTYPE") or "auto",
        os.environ.get("IMAGERAG_MEMORY") or "auto",  # type: ignore[arg-type]
    )
    device = choose_device(settings)
    options: dict[str, Any] = {"dtype": choose_dtype(settings, device), "use_safetensors": True}
    if settings.memory == "4bit":
        if device.type == "cpu" or not has_4bit():
            raise UserError(f"model {name!r} in 4 bits needs a GPU and bitsandbytes; give --memory auto")
        quantised: Any = transformers.BitsAndBytesConfig
        options["quantization_config"] = quantised(load_in_4bit=True)
    for library in ("transformers", "huggingface_hub"):
        logging.getLogger(library).setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module=library)
    model_id = str(Path(name.removeprefix(PREFIX)).expanduser())
    try:
        config = AutoConfig.from_pretrained(model_id)
        sees = type(config) in transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        factory: Any = transformers.AutoModelForImageTextToText if sees else transformers.AutoModelForCausalLM
        processor: Any = (AutoProcessor if sees else AutoTokenizer).from_pretrained(model_id)
        model = factory.from_pretrained(model_id, **options).eval()
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = " ".join(str(error).split())[:200]
        if Path(model_id).exists() or Path(model_id).is_absolute() or isinstance(error, ImportError):
            raise UserError(f"model {name!r} can't be loaded ({reason}); check the folder") from error
        raise UserError(
            f"model {name!r} is not on this machine and can't be downloaded ({reason}); where there is a network: "
            f"hf download {model_id}"
        ) from error
    if not getattr(processor, "chat_template", None):  # some keep it with the tokenizer alone
        processor.chat_template = getattr(getattr(processor, "tokenizer", None), "chat_template", None)
    if not processor.chat_template:
        raise UserError(
            f"model {name!r} has no chat template; take a checkpoint tuned for chat (often named -Instruct)"
        )
    if "quantization_config" not in options:
        model.to(device)
    return LocalChatModel(
        model=model,
        processor=processor,
        name_or_path=model_id,
        takes_images=sees,
        image_limit=image_limit(getattr(processor, "image_processor", None)),
        metadata={TAG: name},
    )


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
