"""Checkpoints without a preset."""

import json
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import Cancelled, UserError
from imagerag.generators.base import DrawControl, DrawRequest
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.loading import preset_of, scheduler_like
from imagerag.generators.diffusion.presets import Preset
from testing import tiny_families as tiny
from testing import tiny_models
from testing.family_requests import drawn

pytestmark = [pytest.mark.usefixtures("small_pictures")]


def test_a_presets_name_is_that_preset() -> None:
    assert preset_of("sd15").name == "sd15"


def test_loading_draws_no_bars_over_the_run_s_own_progress(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from diffusers.utils import logging

    assert logging.is_progress_bar_enabled()
    DiffusionGenerator(Preset(name="tiny", model=str(folder / "sd15"), family="text", steps=2))
    assert "Loading" not in capfd.readouterr().err
    assert logging.is_progress_bar_enabled()


@pytest.mark.parametrize("name", ["x" * 5_000, "~no-such-user", "a\0b"])
def test_a_name_that_no_file_can_have_is_not_known(name: str) -> None:
    with pytest.raises(UserError, match="is not known; give one of: sd15"):
        preset_of(name)


@pytest.mark.parametrize(
    ("settings", "made", "differs"),
    [
        ({"_class_name": "LCMScheduler"}, "LCMScheduler", {}),
        ({"timestep_spacing": "trailing"}, "EulerDiscreteScheduler", {"timestep_spacing": "trailing"}),
        ({"prediction_type": "v_prediction"}, "EulerDiscreteScheduler", {"prediction_type": "v_prediction"}),
    ],
)
def test_a_scheduler_of_the_model_s_in_place_of_the_repository_s(
    settings: dict[str, Any], made: str, differs: dict[str, Any]
) -> None:
    usual = tiny_models.scheduler()
    found = scheduler_like(usual, settings)
    assert type(found).__name__ == made
    assert found.config.beta_start == usual.config.beta_start
    assert {key: found.config[key] for key in differs} == differs


LAYOUTS: dict[str, tuple[dict[str, Any], str]] = {
    "canny": ({"config.json": {"_class_name": "ControlNetModel"}}, "follows a control image.*ControlNetModel.*--gener"),
    "vae": ({"config.json": {"_class_name": "AutoencoderKL"}}, "is one part of a pipeline .AutoencoderKL"),
    "chat": ({"config.json": {"architectures": ["Qwen3ForCausalLM"]}}, "a model of transformers .Qwen3ForCausalLM"),
    "my-lora": ({"pytorch_lora_weights.safetensors": {}}, "holds LoRA weights .*--lora"),
    "Lightning": ({"sdxl_4step.safetensors": {}, "sdxl_unet.safetensors": {}}, "holds sdxl_4step.safetensors, .*file:"),
    "Sigma-512": (
        {"transformer/config.json": {"_class_name": "Transformer2DModel"}, "transformer/d.safetensors": {}},
        "holds the transformer of a pipeline alone .Transformer2DModel; no model_index.json.*all parts, such as",
    ),
    "blocks": ({"modular_model_index.json": {}}, "modular pipeline.*usual layout"),
    "empty": ({"README.md": {}}, "is no model of diffusers, since it has no file 'model_index.json'"),
    "inpainting": (
        {
            "model_index.json": {"_class_name": "StableDiffusionXLInpaintPipeline", "unet": []},
            "unet/config.json": {"in_channels": 9},
        },
        "is an inpainting model.*--generator sdxl",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_no_pipeline_that_draws_is_told_as_what_it_is(tmp_path: Path, name: str) -> None:
    files, told = LAYOUTS[name]
    for file, content in files.items():
        (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name / file).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=told) as refused:
        preset_of(str(tmp_path / name))
    assert "\n" not in str(refused.value)


@pytest.mark.slow
class TestUnknownCheckpoints:
    def test_a_folder_is_asked_like_its_pipeline_class(self, family_folder: Path) -> None:
        folder = tiny.save_kontext(family_folder / "someones-kontext")
        preset = preset_of(str(folder))
        assert (preset.family, preset.max_references, preset.model) == ("edit", 3, str(folder))
        assert preset.name == f"diffusers:{folder}"

    def test_a_class_without_references_draws_from_words(self, family_folder: Path) -> None:
        from diffusers import PixArtSigmaPipeline, PixArtTransformer2DModel

        encoder, tokenizer = tiny.t5()
        transformer = PixArtTransformer2DModel(
            sample_size=32, num_layers=1, patch_size=2, attention_head_dim=8, num_attention_heads=3, in_channels=4,
            caption_channels=32, cross_attention_dim=24, out_channels=8, norm_type="ada_norm_single",
        )  # fmt: skip
        folder = family_folder / "pixart"
        PixArtSigmaPipeline(
            transformer=transformer, scheduler=tiny_models.scheduler(), vae=tiny_models.vae(), text_encoder=encoder,
            tokenizer=tokenizer,
        ).save_pretrained(folder)  # fmt: skip
        preset = preset_of(str(folder))
        assert (preset.family, preset.max_references) == ("text", 0)
        small = Preset.model_validate({**preset.model_dump(), "width": 32, "height": 32, "steps": 2})
        generator = DiffusionGenerator(small)
        decode, decoded = generator.pipeline.vae.decode, []

        def watched(latents: Any, *arguments: Any, **options: Any) -> Any:
            decoded.append(tuple(latents.shape[-2:]))
            return decode(latents, *arguments, **options)

        generator.pipeline.vae.decode = watched
        picture, facts = drawn(generator, 0)
        assert picture.shape == (32, 32, 3)
        assert decoded == [(16, 16)], "drawn at that size, and not scaled down from one of the pipeline's own list"
        assert (
            facts["recipe"]
            == preset.recipe
            == ("by the defaults of its pipeline, a PixArtSigmaPipeline, for which there is no recipe")
        )
        steps: list[tuple[int, int]] = []

        def check() -> None:
            if steps:
                raise Cancelled

        # A pipeline without a callback after each step tells its steps all the same, and stops between them.
        with pytest.raises(Cancelled):
            generator.draw(
                DrawRequest("an owl", (7,)), DrawControl(check, lambda done, total: steps.append((done, total)))
            )
        assert steps == [(1, 2)]
