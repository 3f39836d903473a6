"""Sizes of the families, and what their pipelines are asked for."""

from pathlib import Path

import pytest
from PIL import Image

from imagerag.generators.base import DrawControl, DrawRequest
from imagerag.generators.diffusion.canvases import CANVASES, canvas_of
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.sizing import Grid
from imagerag.picture_size import PictureSize
from testing.diffusion_requests import REFERENCES, preset

MEGAPIXEL = (1024, 1024)


@pytest.mark.parametrize(
    ("pipeline", "usual", "wanted", "canvas"),
    [
        ("StableDiffusionPipeline", (512, 512), "16:9", (696, 392)),
        ("StableDiffusionXLPipeline", MEGAPIXEL, "21:9", (1536, 640)),
        ("StableDiffusionXLPipeline", (512, 512), "16:9", (656, 368)),  # SDXL Turbo
        ("FluxPipeline", MEGAPIXEL, "16:9", (1392, 784)),
        ("FluxPipeline", MEGAPIXEL, "1920x1080", (1904, 1072)),
        ("FluxKontextPipeline", MEGAPIXEL, "16:9", (1392, 752)),
        ("QwenImagePipeline", (1328, 1328), "16:9", (1664, 928)),
        ("QwenImageEditPlusPipeline", MEGAPIXEL, "1:1", (1024, 1024)),
        ("Flux2KleinPipeline", MEGAPIXEL, "2560x1440", (2560, 1440)),
        ("SomebodyElsesPipeline", MEGAPIXEL, "16:9", (1312, 736)),
        ("GlmImagePipeline", MEGAPIXEL, "4:3", (1152, 864)),  # refuses what is no multiple of 32
        ("SomebodyElsesPipeline", MEGAPIXEL, "512x512", (928, 928)),
    ],
)
def test_the_nearest_size_of_the_family_is_drawn(
    pipeline: str, usual: tuple[int, int], wanted: str, canvas: tuple[int, int]
) -> None:
    assert canvas_of(pipeline, usual, PictureSize.parse(wanted)) == canvas
    assert canvas_of(pipeline, usual, None) == usual


@pytest.mark.parametrize("pipeline", CANVASES)
def test_each_family_s_sizes_are_multiples_of_what_its_pipeline_takes(pipeline: str) -> None:
    known = CANVASES[pipeline]
    step = 8 if pipeline == "StableDiffusionPipeline" else 16
    assert all(not side % step for each in (known.canvases() if isinstance(known, Grid) else known) for side in each)


@pytest.mark.parametrize("count", [0, 2])
def test_a_pipeline_draws_at_that_size_and_regions_and_previews_fit(folder: Path, count: int) -> None:
    generator = DiffusionGenerator(preset(folder, "sd15", width=64, height=64, steps=6))
    size = PictureSize(5, 3, is_exact=False)
    previews: list[Image.Image] = []
    request = DrawRequest("an owl above a moon", (1,), REFERENCES[:count], size=size)
    drawing = generator.draw(request, DrawControl(on_preview=previews.append))[0]
    assert drawing.image.size == canvas_of("StableDiffusionPipeline", (64, 64), size) == (80, 48)
    assert [preview.size for preview in previews] == [(40, 24)]
