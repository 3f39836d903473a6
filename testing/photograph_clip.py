"""A small CLIP model that tells the photographs of ``testing.photographs`` apart, and a library to calibrate it on."""

import json
from pathlib import Path

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional

from testing.photographs import PHOTOGRAPHS

SIDE = 48
CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 16, "head_width": 32},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
STEPS, EACH, RATE = 400, 3, 3e-3
"""Steps of training, cuts of each photograph in one of them, and the highest learning rate."""
POOL = 120
"""Cuts of each photograph, made beforehand."""
FORMS = ("{}", "a {}", "a photo of a {}")


def save_photograph_clip(folder: Path) -> Path:
    """Train the model on cuts of the photographs, a minute on an idle core, and return the folder with it."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    model = open_clip.CLIP(**CONFIG)
    pictures = [photograph.open() for photograph in PHOTOGRAPHS]
    pool = np.stack([[_pixels(cut(picture, random)) for _ in range(POOL)] for picture in pictures])
    tokens = [open_clip.tokenize([form.format(one.subject) for one in PHOTOGRAPHS], 16) for form in FORMS]
    optimiser = torch.optim.AdamW(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS, pct_start=0.1)
    truth = torch.arange(len(pictures)).repeat_interleave(EACH)
    model.train()
    for step in range(STEPS):
        chosen = pool[truth.numpy(), random.integers(POOL, size=len(truth))].astype(np.float32) / 127.5 - 1
        images = model.encode_image(torch.from_numpy(chosen).permute(0, 3, 1, 2), normalize=True)
        texts = model.encode_text(tokens[step % len(FORMS)], normalize=True)
        loss = functional.cross_entropy(model.logit_scale.exp().clamp(max=50) * images @ texts.T, truth)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    folder.mkdir(parents=True)
    content = {"model_cfg": CONFIG, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return folder


def save_captioned(folder: Path, each: int = 10) -> Path:
    """Write ``each`` cuts of every photograph, captioned with its subject, and return the folder."""
    random = np.random.default_rng(1)
    folder.mkdir(parents=True)
    for photograph in PHOTOGRAPHS:
        picture = photograph.open()
        for number in range(each):
            name = folder / f"{photograph.subject}-{number}"
            cut(picture, random).save(name.with_suffix(".png"))
            name.with_suffix(".txt").write_text(f"a {photograph.subject}", encoding="utf-8")
    return folder


def cut(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a part of a picture, at least a third of its sides, in other light and sometimes mirrored."""
    share, light = random.uniform(0.35, 1.0), random.uniform(0.7, 1.3)
    width, height = int(picture.width * share), int(picture.height * share)
    left, top = random.integers(picture.width - width + 1), random.integers(picture.height - height + 1)
    part = picture.crop((int(left), int(top), int(left) + width, int(top) + height))
    part = part.point([min(int(value * light), 255) for value in range(256)] * 3)
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else part


def _pixels(picture: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(picture.resize((SIDE, SIDE)), np.uint8)
