"""Thumbnails: small enough in pixels and in bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from imagerag.server.thumbnails import preview


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_the_longest_side_fits_and_transparency_is_kept(mode: str) -> None:
    image = Image.open(io.BytesIO(preview(Image.new(mode, (400, 100)), side=80)))
    assert (image.format, image.size) == ("WEBP", (80, 20))
    assert ("A" in image.getbands()) is (mode == "RGBA")


def test_a_picture_of_noise_is_made_smaller_until_its_bytes_fit() -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (256, 256, 3), dtype=np.uint8), "RGB")
    small = preview(noise, most=6000)
    assert len(small) <= 6000
    assert Image.open(io.BytesIO(small)).width < 256
