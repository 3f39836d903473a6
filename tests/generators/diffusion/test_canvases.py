"""Sizes of the families, and what their pipelines are asked for."""

import ast
import inspect
import re
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
        ("Flux2KleinKVPipeline", MEGAPIXEL, "2560x1440", (2560, 1440)),
        ("ZImagePipeline", MEGAPIXEL, "1920x1080", (1936, 1088)),
        ("SomebodyElsesPipeline", MEGAPIXEL, "16:9", (1312, 736)),
        ("GlmImagePipeline", MEGAPIXEL, "4:3", (1152, 864)),  # refuses what is no multiple of 32
        ("SomebodyElsesPipeline", MEGAPIXEL, "512x512", (928, 928)),
        ("HunyuanDiTPipeline", MEGAPIXEL, "16:9", (1280, 768)),
        ("HunyuanDiTPipeline", MEGAPIXEL, "1280x1280", (1280, 1280)),
        ("Kandinsky5T2IPipeline", MEGAPIXEL, "4:3", (1152, 896)),
        ("PixArtSigmaPipeline", MEGAPIXEL, "16:9", (1344, 768)),
        ("PixArtSigmaPipeline", (512, 512), "16:9", (672, 384)),
        ("PixArtSigmaPipeline", (2048, 2048), "16:9", (2688, 1536)),
        ("SanaPipeline", (4096, 4096), "1:2", (2816, 5632)),
        ("SanaPipeline", (64, 64), "1:4", (32, 128)),  # of no size that was trained
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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["HunyuanDiTPipeline", "Kandinsky5T2IPipeline"])
def test_what_a_pipeline_takes_is_what_diffusers_says(name: str) -> None:
    import diffusers.pipelines.hunyuandit.pipeline_hunyuandit as hunyuan
    import diffusers.pipelines.kandinsky5.pipeline_kandinsky_t2i as kandinsky

    if name.startswith("Hunyuan"):
        own = set(hunyuan.SUPPORTED_SHAPE)
    else:
        written = inspect.getsource(kandinsky.Kandinsky5T2IPipeline.__init__)
        own = set(ast.literal_eval(re.findall(r"self\.resolutions = (\[.*\])", written)[0]))
    assert set(CANVASES[name]) == own


@pytest.mark.slow
def test_the_sizes_that_pipelines_crop_to_are_among_those_that_they_are_asked_for() -> None:
    from diffusers.pipelines.pixart_alpha.pipeline_pixart_alpha import ASPECT_RATIO_512_BIN, ASPECT_RATIO_1024_BIN
    from diffusers.pipelines.pixart_alpha.pipeline_pixart_sigma import ASPECT_RATIO_2048_BIN
    from diffusers.pipelines.sana.pipeline_sana import ASPECT_RATIO_4096_BIN

    bins = (ASPECT_RATIO_512_BIN, ASPECT_RATIO_1024_BIN, ASPECT_RATIO_2048_BIN, ASPECT_RATIO_4096_BIN)
    for side, sizes in zip((512, 1024, 2048, 4096), bins, strict=True):
        for height, width in sizes.values():
            wanted = PictureSize(int(width), int(height), is_exact=True)
            near = canvas_of("SanaPipeline", (side, side), wanted)
            assert near == pytest.approx((width, height), rel=0.07)
            assert near[0] / near[1] == pytest.approx(width / height, rel=0.07)


@pytest.mark.parametrize("count", [0, 2])
def test_a_pipeline_draws_at_that_size_and_regions_and_previews_fit(folder: Path, count: int) -> None:
    generator = DiffusionGenerator(preset(folder, "sd15", width=64, height=64, steps=6))
    size = PictureSize(5, 3, is_exact=False)
    previews: list[Image.Image] = []
    request = DrawRequest("an owl above a moon", (1,), REFERENCES[:count], size=size)
    drawing = generator.draw(request, DrawControl(on_preview=previews.append))[0]
    assert drawing.image.size == canvas_of("StableDiffusionPipeline", (64, 64), size) == (80, 48)
    assert [preview.size for preview in previews] == [(40, 24)]
