"""LoRA weights for few steps: the model is asked as their makers advise, and that is told."""

import shutil
from pathlib import Path

import diffusers
import pytest

from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.lora_recipes import asked_with, lora_rules
from imagerag.generators.diffusion.presets import load_presets
from testing import tiny_models
from testing.diffusion_requests import draw, preset

PRESETS = load_presets({})


@pytest.mark.parametrize(
    ("generator", "lora", "steps", "guidance", "scheduler"),
    [
        ("sd15", "latent-consistency/lcm-lora-sdv1-5", 8, 1.0, "LCMScheduler"),
        ("sdxl", "latent-consistency/lcm-lora-sdxl/pytorch_lora_weights.safetensors", 8, 1.0, "LCMScheduler"),
        (
            "sdxl",
            "ByteDance/SDXL-Lightning/sdxl_lightning_4step_lora.safetensors:0.9",
            4,
            1.0,
            "EulerDiscreteScheduler",
        ),
        ("sdxl", "ByteDance/Hyper-SD/Hyper-SDXL-8steps-CFG-lora.safetensors", 8, 5.0, "EulerDiscreteScheduler"),
        ("sdxl", "tianweiy/DMD2/dmd2_sdxl_4step_lora_fp16.safetensors", 4, 1.0, "LCMScheduler"),
        ("flux", "alimama-creative/FLUX.1-Turbo-Alpha", 8, 3.5, ""),
        ("flux", "ByteDance/Hyper-SD/Hyper-FLUX.1-dev-16steps-lora.safetensors:0.125", 16, 3.5, ""),
        ("flux2", "fal/FLUX.2-dev-Turbo", 8, 2.5, ""),
        ("qwen-image", "lightx2v/Qwen-Image-Lightning/Qwen-Image-Lightning-4steps-V1.0.safetensors", 4, 1.0, ""),
        ("qwen-image-21", "lightx2v/Qwen-Image-2.1-Lightning", 4, 1.0, ""),
        ("z-image", "somebody/z-image-lightning", 8, 0.0, ""),
    ],
)
def test_as_their_makers_advise(generator: str, lora: str, steps: int, guidance: float, scheduler: str) -> None:
    alone = PRESETS[generator]
    asked, (told,) = asked_with(alone, alone.pipeline, [lora])
    assert (asked.steps, asked.guidance, asked.scheduler.get("_class_name", "")) == (steps, guidance, scheduler)
    assert f"drawn in {steps} at guidance {guidance:g}, not in {alone.steps}" in told
    assert len(asked.sigmas) in (0, steps)
    if guidance <= 1 and generator != "flux":
        assert not asked.negative_prompt, "nothing is drawn by contrast"


@pytest.mark.parametrize(
    ("generator", "loras"),
    [
        ("sdxl", ["somebody/watercolour-style", "hyper-realistic.safetensors"]),
        ("sdxl", ["latent-consistency/lcm-lora-sdxl:0"]),
        ("sdxl", ["lcm-fans/portraits"]),
        ("flux-schnell", ["somebody/turbo"]),
        ("sdxl", []),
    ],
)
def test_others_change_nothing(generator: str, loras: list[str]) -> None:
    alone = PRESETS[generator]
    assert asked_with(alone, alone.pipeline, loras) == (alone, ())


def test_what_no_row_knows_is_told_as_a_guess() -> None:
    asked, (told,) = asked_with(PRESETS["kolors"], "KolorsPipeline", ["somebody/kolors-turbo"])
    assert (asked.steps, asked.guidance) == (8, 1.0)
    assert "a guess" in told


def test_each_row_names_classes_that_diffusers_has_and_settings_that_a_scheduler_takes() -> None:
    for rule in lora_rules():
        assert rule.source
        assert all(hasattr(diffusers, name) for name in rule.classes)
        scheduler = getattr(diffusers, rule.scheduler.get("_class_name", "FlowMatchEulerDiscreteScheduler"))
        taken = scheduler.from_config(
            {key: None if value == "none" else value for key, value in rule.scheduler.items()}
        )
        for key, value in rule.scheduler.items():
            if key != "_class_name":
                assert getattr(taken.config, key) == (None if value == "none" else value)


def test_a_model_draws_with_them(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    style = tiny_models.save_lora(tmp_path / "style.safetensors", tiny_models.unet_of(folder / "sd15"))
    shutil.copy(style, tmp_path / "lcm_2steps.safetensors")
    generator = DiffusionGenerator(preset(folder, "sd15", steps=30), loras=(str(tmp_path / "lcm_2steps.safetensors"),))
    assert isinstance(generator.pipeline.scheduler, diffusers.LCMScheduler)
    facts = draw(generator).facts
    assert (facts["steps"], facts["guidance"]) == (2, 1.0)
    assert any("is for few steps (its name has '2steps'): drawn in 2" in note for note in facts["notes"])  # type: ignore[attr-defined]
