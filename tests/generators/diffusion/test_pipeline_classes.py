"""Which class of diffusers draws a checkpoint, and which draws none."""

import contextlib
import re

import diffusers
import pytest

from imagerag.errors import UserError
from imagerag.generators.diffusion.pipeline_classes import by_its_defaults, drawing_class

REFUSED_BY_AUTO = (
    "HunyuanImagePipeline", "LongCatImagePipeline", "LongCatImageEditPipeline", "GlmImagePipeline",
    "JoyImageEditPlusPipeline", "JoyImageEditPipeline", "BriaFiboEditPipeline", "Flux2KleinKVPipeline",
    "QwenImageEditPipeline", "QwenImageEditPlusPipeline", "QwenImage21Pipeline", "OmniGenPipeline", "KolorsPipeline",
    "ErnieImagePipeline", "HiDreamImagePipeline", "BriaPipeline",
)  # fmt: skip


class Own:
    def __call__(
        self, prompt: str, num_inference_steps: int = 35, guidance_scale: float = 3.5, negative_prompt: str = "",
        width: int | None = None, height: int = 512,
    ) -> None: ...  # fmt: skip


def test_a_class_without_a_recipe_is_asked_by_its_defaults() -> None:
    preset = by_its_defaults("diffusers:a/b", "a/b", Own)
    assert (preset.steps, preset.guidance, preset.width, preset.height) == (35, 3.5, 1024, 512)
    assert (preset.family, preset.max_references) == ("text", 0)
    assert preset.recipe == "by the defaults of its pipeline, a Own, for which there is no recipe"


@pytest.mark.slow
def test_no_class_for_something_else_is_taken() -> None:
    """Of all that diffusers has, whatever comes with its next version."""
    taken = []
    for name in dir(diffusers):
        if re.search("Video|Audio|Music|ControlNet|Upscale|SuperRes|Refiner|Prior|Modular|Marigold", name):
            if not name.endswith("Pipeline") or name.startswith("AutoPipeline"):
                continue
            with contextlib.suppress(UserError):
                taken.append(drawing_class(name, "a/b").__name__)
    assert taken == []


@pytest.mark.slow
class TestClasses:
    @pytest.mark.parametrize("name", REFUSED_BY_AUTO)
    def test_by_its_own_name(self, name: str) -> None:
        assert drawing_class(name, "a/b").__name__ == name

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLPipeline"),
            ("FluxInpaintPipeline", "FluxPipeline"),
            ("ZImageImg2ImgPipeline", "ZImagePipeline"),
        ],
    )
    def test_or_by_that_which_draws_from_words(self, name: str, expected: str) -> None:
        assert drawing_class(name, "a/b").__name__ == expected

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("WanPipeline", "makes videos, not images"),
            ("StableAudioPipeline", "makes sound, not images"),
            ("StableVideoDiffusionPipeline", "makes videos, not images"),
            ("MarigoldDepthPipeline", "does not draw from words alone"),
            ("FluxFillPipeline", "does not draw from words alone"),
            ("StableDiffusionControlNetPipeline", "does not draw from words alone"),
            ("NoSuchPipeline", "does not have; update diffusers"),
            ("StableDiffusionXLControlNetInpaintPipeline", "follows a control image.*--generator sdxl"),
            ("IFInpaintingPipeline", "first of several stages"),
            ("LongCatAudioDiTPipeline", "makes sound"),
            ("LattePipeline", "makes videos"),
            ("TextToVideoZeroSDXLPipeline", "makes videos"),
            ("ShapEPipeline", "three dimensions"),
            ("LLaDA2Pipeline", "writes text"),
            ("WuerstchenPriorPipeline", "first of several stages"),
            ("HunyuanImageRefinerPipeline", "is a refiner.*--generator hunyuan-image"),
            ("LDMSuperResolutionPipeline", "is an upscaler.*--size"),
            ("Flux2ModularPipeline", "modular pipeline.*usual layout"),
            ("StableDiffusionAttendAndExcitePipeline", "it needs 'token_indices'"),
        ],
    )
    def test_or_not_at_all(self, name: str, said: str) -> None:
        with pytest.raises(UserError, match=said):
            drawing_class(name, "a/b")
