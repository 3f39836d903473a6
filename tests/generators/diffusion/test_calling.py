"""What a pipeline is asked, by its signature, and how its steps are watched."""

from types import SimpleNamespace
from typing import Any

import pytest

from imagerag.generators.diffusion.calling import call_arguments, steps_watched, takes_negatives
from imagerag.generators.diffusion.presets import Preset, load_presets


class Scheduler:
    def step(self, noise: int, time: int, latents: int, eta: float = 0.0) -> tuple[int]:
        return (latents + noise,)


class Flux:
    def __call__(
        self, prompt: str, guidance_scale: float = 3.5, true_cfg_scale: float = 1.0, width: int = 0,
        num_inference_steps: int = 28, max_sequence_length: int = 512, callback_on_step_end: Any = None,
    ) -> None: ...  # fmt: skip


class Qwen:
    def __call__(
        self, prompt: str, negative_prompt: str = "", guidance_scale: float | None = None, true_cfg_scale: float = 4.0
    ) -> None: ...


class LongCat:
    scheduler = Scheduler()

    def __call__(self, prompt: str, enable_prompt_rewrite: bool = True) -> None: ...


def asked(pipeline: Any, name: str) -> dict[str, Any]:
    preset = load_presets({})[name]
    return call_arguments(pipeline, preset, preset.width, preset.height)


class Flux2:
    def __call__(self, prompt: str, guidance_scale: float = 4.0, sigmas: list[float] | None = None) -> None: ...


def test_a_schedule_of_the_model_s_own_is_asked_for() -> None:
    preset = load_presets({})["flux2"]
    merged = preset.model_copy(update={"sigmas": (1.0, 0.5), "guidance": 2.5})
    assert call_arguments(Flux2(), merged, 1024, 1024) == {"guidance_scale": 2.5, "sigmas": [1.0, 0.5]}
    assert "sigmas" not in call_arguments(Flux2(), preset, 1024, 1024)
    assert "sigmas" not in call_arguments(Flux(), merged, 1024, 1024)


def test_only_what_the_pipeline_takes() -> None:
    assert asked(Flux(), "flux-schnell") == {
        "guidance_scale": 0.0, "width": 1024, "num_inference_steps": 4, "max_sequence_length": 256
    }  # fmt: skip
    assert "max_sequence_length" not in asked(Flux(), "flux")


def test_guidance_by_contrast_has_its_negative_prompt() -> None:
    assert asked(Qwen(), "qwen-image-1") == {"true_cfg_scale": 4.0, "negative_prompt": " "}


def test_no_pipeline_rewrites_the_prompt() -> None:
    assert asked(LongCat(), "longcat-image") == {"enable_prompt_rewrite": False}


def test_a_reference_is_never_larger_than_the_drawing() -> None:
    class Qwen21:
        def __call__(self, prompt: str, output_resolution: int = 1024) -> None: ...

    small = Preset.model_validate({"name": "q", "model": "m", "family": "text"})
    assert call_arguments(Qwen21(), small, 512, 512) == {"output_resolution": 512}
    assert asked(Qwen21(), "hunyuan-image") == {"output_resolution": 1024}


class TestSteps:
    def test_a_callback_is_handed_on(self) -> None:
        def after(*_: Any) -> dict[str, Any]:
            return {}

        with steps_watched(Flux(), after) as given:
            assert given == {"callback_on_step_end": after}

    def test_without_one_the_schedulers_steps_are_watched(self) -> None:
        seen: list[tuple[int, Any]] = []

        def after(_: Any, index: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            seen.append((index, tensors["latents"]))
            if index == 1:
                raise InterruptedError
            return {}

        pipeline = LongCat()
        with steps_watched(pipeline, after) as given:
            assert given == {}
            assert pipeline.scheduler.step(1, 0, 10) == (11,)
            with pytest.raises(InterruptedError):
                pipeline.scheduler.step(1, 0, 20)
        assert seen == [(0, 11), (1, 21)]
        assert pipeline.scheduler.step(1, 0, 30) == (31,)
        assert len(seen) == 2, "and no longer"


class Guided:
    def __call__(self, prompt: str, negative_prompt: str = "", guidance_scale: float = 5.0) -> None: ...


class Distilled:
    """As FLUX.1: guided by a number that it was trained with, unless a true guidance is asked for."""

    def __call__(
        self, prompt: str, negative_prompt: str = "", guidance_scale: float = 3.5, true_cfg_scale: float = 1.0
    ) -> None: ...


@pytest.mark.parametrize(
    ("pipeline", "name", "takes"),
    [
        (Guided(), "sdxl", True), (Guided(), "sdxl-turbo", False), (Flux(), "flux", False),
        (Distilled(), "flux", False), (Qwen(), "qwen-image-1", True), (LongCat(), "longcat-image", False),
    ],
)  # fmt: skip
def test_which_models_heed_a_negative_prompt(pipeline: Any, name: str, takes: bool) -> None:
    assert takes_negatives(pipeline, load_presets({})[name]) == takes


def test_a_distilled_class_is_guided_by_contrast_where_its_distillation_was_trained_out() -> None:
    values = {"name": "open", "model": "m", "family": "text", "guidance": 3.5, "negative_prompt": " ", "true_cfg": True}
    preset = Preset.model_validate(values)
    assert takes_negatives(Distilled(), preset)
    asked = call_arguments(Distilled(), preset, 64, 64, "a hat")
    assert asked == {"true_cfg_scale": 3.5, "negative_prompt": "a hat"}
    assert call_arguments(Distilled(), preset, 64, 64)["negative_prompt"] == " "


class Ideogram:
    """Takes its guidance step by step."""

    def __call__(
        self, prompt: str, num_inference_steps: int = 48, guidance_scale: float | None = None,
        guidance_schedule: tuple[float, ...] | None = (7.0,) * 48, mu: float = 0.0, std: float = 1.5,
    ) -> None: ...  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "last", "mu", "std"), [(48, 3, 0.0, 1.5), (20, 2, 0.0, 1.75), (12, 1, 0.5, 1.75), (4, 1, 0.5, 1.75)]
)
def test_guidance_for_each_step_is_as_long_as_they_are_many(steps: int, last: int, mu: float, std: float) -> None:
    values = {"name": "i", "model": "m", "family": "text", "guidance": 7.0, "steps": steps}
    asked = call_arguments(Ideogram(), Preset.model_validate(values), 64, 64)
    assert asked["guidance_schedule"] == [7.0] * (steps - last) + [3.0] * last
    assert (asked["guidance_scale"], asked["mu"], asked["std"]) == (None, mu, std)
    asked = call_arguments(Ideogram(), Preset.model_validate(values | {"guidance": 1.0}), 64, 64)
    assert (asked["guidance_scale"], asked["guidance_schedule"]) == (1.0, None)


class Hunyuan:
    """Its guidance by contrast is a part of its own."""

    def __init__(self, **guider: Any) -> None:
        self.guider = SimpleNamespace(**guider) if guider else None

    def __call__(
        self, prompt: str, negative_prompt: str = "", distilled_guidance_scale: float | None = 3.25
    ) -> None: ...


@pytest.mark.parametrize(
    ("guider", "takes"),
    [
        ({"_enabled": True, "guidance_scale": 3.5}, True),
        ({"_enabled": False, "guidance_scale": 3.5}, False),
        ({"_enabled": True, "guidance_scale": 1.0}, False),
        ({}, False),
    ],
)
def test_a_guider_that_is_on_guides_away_from_a_negative_prompt(guider: dict[str, Any], takes: bool) -> None:
    assert takes_negatives(Hunyuan(**guider), load_presets({})["hunyuan-image"]) == takes


class ZImagePipeline(Guided):
    """Draws by contrast from a guidance of 0 on."""


class LatentConsistency(Guided):
    """Its UNet reads the guidance."""

    unet = SimpleNamespace(config=SimpleNamespace(time_cond_proj_dim=256))


@pytest.mark.parametrize(
    ("pipeline", "guidance", "takes"),
    [
        (ZImagePipeline(), 1.0, True), (ZImagePipeline(), 0.0, False), (Guided(), 1.0, False),
        (LatentConsistency(), 8.0, False),
    ],
)  # fmt: skip
def test_what_counts_as_contrast_depends_on_the_class_and_the_unet(pipeline: Any, guidance: float, takes: bool) -> None:
    preset = Preset.model_validate({"name": "q", "model": "m", "family": "text", "guidance": guidance})
    assert takes_negatives(pipeline, preset) == takes


def test_a_negative_prompt_comes_behind_the_presets_own() -> None:
    own = Preset.model_validate({"name": "q", "model": "m", "family": "text", "negative_prompt": "blurry"})
    bare = Preset.model_validate({"name": "q", "model": "m", "family": "text"})
    assert call_arguments(Guided(), own, 64, 64, "a dog")["negative_prompt"] == "blurry, a dog"
    assert call_arguments(Guided(), own, 64, 64)["negative_prompt"] == "blurry"
    assert call_arguments(Guided(), bare, 64, 64, "a dog")["negative_prompt"] == "a dog"
    assert "negative_prompt" not in call_arguments(Guided(), bare, 64, 64)
    blank = load_presets({})["qwen-image-1"]  # compares with nothing unless it gets one
    assert call_arguments(Qwen(), blank, 64, 64, "a dog")["negative_prompt"] == "a dog"
