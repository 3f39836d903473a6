"""Parts of images drawn anew by each family for which diffusers has an inpainting pipeline."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagerag.generators.base import UNCONTROLLED, DrawControl, DrawRequest, Redraw, redraws_parts
from imagerag.generators.diffusion.inpainting import inpainting_class, with_references
from imagerag.generators.sizing import draw_sized
from testing.family_requests import SAVED, load_family, references

pytestmark = pytest.mark.usefixtures("small_pictures")
INPAINTS = {
    *("sd15", "sd21", "sd-turbo", "sdxl", "sdxl-vit-h", "sdxl-turbo", "sd35", "sd35-turbo", "sd35-medium", "sd3"),
    *("flux", "flux-schnell", "flux-krea", "qwen-image", "qwen-image-1", "z-image-turbo", "z-image"),
    *("qwen-edit", "qwen-edit-1"),
}


def noise(size: tuple[int, int] = (48, 48)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (*size[::-1], 3), dtype=np.uint8))


def redraw(size: tuple[int, int] = (48, 48)) -> Redraw:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rectangle((0, 0, size[0] // 2, size[1] // 2), fill=255)
    return Redraw(noise(size), mask, "noise")


def drawn(name: str, folder: Path, count: int = 0, seed: int = 7, control: DrawControl = UNCONTROLLED) -> np.ndarray:
    generator = load_family(folder, name)
    request = DrawRequest("an owl", (seed,), references(count), 0.6, redraw=redraw())
    (drawing,) = draw_sized(generator, request, control)
    return np.asarray(drawing.image)


def check(name: str, folder: Path, count: int) -> None:
    marked = np.asarray(redraw().mask) == 255
    steps: list[tuple[int, int]] = []
    first = drawn(name, folder, count, control=DrawControl(on_step=lambda done, total: steps.append((done, total))))
    assert (first[~marked] == np.asarray(noise())[~marked]).all()
    assert (first[marked] != np.asarray(noise())[marked]).any()
    assert (first == drawn(name, folder, count)).all(), "the same request gives the same pixels"
    assert (first != drawn(name, folder, count, seed=8)).any()
    assert steps
    assert steps[-1] == (2, 2)


def test_a_part_is_drawn_and_the_rest_stays(family_folder: Path) -> None:
    generator = load_family(family_folder, "sd15")
    assert redraws_parts(generator)
    assert inpainting_class(generator.pipeline).__name__ == "StableDiffusionInpaintPipeline"
    check("sd15", family_folder, 0)


def test_the_same_words_are_encoded_once_for_all_redraws_of_parts(family_folder: Path) -> None:
    generator = load_family(family_folder, "sd15")
    calls: list[int] = []
    generator.pipeline.text_encoder.register_forward_hook(lambda *_: calls.append(1))
    request = DrawRequest("an owl", (7,), redraw=redraw())
    first = draw_sized(generator, request, UNCONTROLLED)
    encoded = len(calls)
    assert encoded > 0
    again = draw_sized(generator, request, UNCONTROLLED)
    assert len(calls) == encoded
    assert np.array_equal(np.asarray(first[0].image), np.asarray(again[0].image))


def test_references_that_the_pipeline_takes_go_in(family_folder: Path) -> None:
    generator = load_family(family_folder, "sd15")
    assert set(with_references(generator.pipeline, {"ip_adapter_image_embeds": 1, "image": 2, "other": 3})) == {
        "ip_adapter_image_embeds"
    }
    assert (drawn("sd15", family_folder, 0) != drawn("sd15", family_folder, 1)).any()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SAVED))
def test_each_family_redraws_parts_or_says_that_it_does_not(family_folder: Path, name: str) -> None:
    generator = load_family(family_folder, name)
    assert redraws_parts(generator) == (name in INPAINTS)
    if name in INPAINTS:
        check(name, family_folder, 0)
