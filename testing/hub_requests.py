"""What a process says that loads models from the hub of ``HF_ENDPOINT``: run by tests, since that is read at import."""

import json
import sys
import time
from collections.abc import Callable

from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError


def _diffusers(model: str) -> object:
    from imagerag.generators.diffusion.loading import load
    from imagerag.generators.diffusion.presets import Preset

    return load(Preset.model_validate({"name": "tiny", "model": model, "family": "text"}), DeviceSettings())


def _preset(name: str) -> object:
    from imagerag.generators.diffusion.loading import load, preset_of

    return load(preset_of(name), DeviceSettings())


def _transformers(model: str) -> object:
    from imagerag.chat_models.local.loading import load_local

    return load_local(f"transformers:{model}")


def _open_clip(model: str) -> object:
    from imagerag.embedders.clip import full_name, load_embedder

    return load_embedder(full_name(f"hf-hub:{model}"))


LOADERS: dict[str, Callable[[str], object]] = {
    "diffusers": _diffusers,
    "preset": _preset,
    "transformers": _transformers,
    "open_clip": _open_clip,
}


def main() -> None:
    """Load each ``LOADER=MODEL`` of the arguments, and print what each said as JSON: "loaded" or its error.

    The libraries wait between their tries for a minute in all; here they don't.
    """
    time.sleep = lambda seconds: None
    said = {}
    for argument in sys.argv[1:]:
        loader, _, model = argument.partition("=")
        try:
            LOADERS[loader](model)
            said[argument] = "loaded"
        except UserError as error:
            said[argument] = str(error)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
