"""Preprocessing for CLIP models, one image at a time and in batches."""

import pickle

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Normalize, Resize, ToTensor

from imagerag.embedders.preprocessing import Preprocessing

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
PHOTO = Image.effect_noise((90, 60), 90).convert("RGB")


def test_both_halves_make_what_the_whole_makes() -> None:
    whole = Compose([Resize(32), CenterCrop(32), ToTensor(), Normalize(MEAN, STD)])
    halves = pickle.loads(pickle.dumps(Preprocessing(whole, {})))
    batch = halves.tensor([halves(PHOTO), halves(PHOTO.rotate(90))])
    assert batch.shape == (2, 3, 32, 32)
    assert torch.allclose(batch[0], whole(PHOTO), atol=1e-5)


def test_squashing_resizes_the_whole_image() -> None:
    config = {"resize_mode": "squash", "size": (16, 24), "interpolation": "bicubic", "mean": MEAN, "std": STD}
    squash = Preprocessing(None, config)
    prepared = squash(PHOTO)
    assert prepared.size == (24, 16)
    expected = (np.asarray(prepared, np.float32) / 255 - MEAN) / STD
    assert np.allclose(squash.tensor([prepared])[0].permute(1, 2, 0).numpy(), expected, atol=1e-4)


def test_preprocessing_of_an_unknown_kind_is_called_whole() -> None:
    unknown = Preprocessing(lambda image: torch.full((3, 2, 2), image.width / 10), {})
    assert unknown.tensor([unknown(PHOTO)]).mean() == 9
