"""Drawing with tiny checkpoints of the diffusers pipelines."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imagerag.generators.base import Drawing, DrawRequest, Reference
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.presets import Adapter, Preset

STEPS = 4
REFERENCES = tuple(
    Reference(Image.new("RGB", (48, 32), colour), concept)
    for colour, concept in (("red", "owl"), ("blue", "moon"), ("green", "tree"), ("yellow", "house"), ("pink", "hat"))
)
PROMPT = "an owl and a moon"


def preset(folder: Path, kind: str, plus: bool = True, **changes: Any) -> Preset:
    adapter = Adapter(
        model=str(folder / f"{kind}-adapter"),
        file="ip-adapter-plus.safetensors" if plus else "ip-adapter.safetensors",
        encoder=str(folder / f"{kind}-adapter"),
        encoder_subfolder="image_encoder",
    )
    known = {"name": kind, "model": str(folder / kind), "family": "ip-adapter", "steps": STEPS, "width": 32}
    return Preset.model_validate(
        {**known, "height": 32, "max_references": 4, "adapter": adapter, "negative_prompt": "blurry", **changes}
    )


def draw(generator: DiffusionGenerator, count: int = 0, seed: int = 3, scale: float = 0.6, **more: Any) -> Drawing:
    return generator.draw(DrawRequest(PROMPT, (seed,), REFERENCES[:count], scale), **more)[0]


def pixels(drawing: Drawing) -> np.ndarray:
    return np.asarray(drawing.image, np.int16)
