"""What is said to be offered is what diffusers has, for every preset."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from imagerag.generators.diffusion import fast
from imagerag.generators.diffusion.edit import EDITORS
from imagerag.generators.diffusion.fast_offers import (
    BY_CONTRAST,
    LEAST_STEPS,
    ONE_PASS,
    STEP_CACHES,
    lacking_cache,
    offers,
    step_cache_of,
)
from imagerag.generators.diffusion.presets import load_presets
from testing.family_requests import SAVED, load_family


def test_few_steps_leave_nothing_to_reuse() -> None:
    flux = ("FluxPipeline", "FluxPipeline")
    assert step_cache_of(flux, LEAST_STEPS) == "FirstBlockCache"
    assert step_cache_of(flux, LEAST_STEPS - 1) is None


def test_both_ways_of_drawing_have_the_cache_or_none_has() -> None:
    assert step_cache_of(("QwenImageEditPlusPipeline", "QwenImagePipeline"), 40) == "FirstBlockCache"
    assert step_cache_of(("QwenImageEditPlusPipeline", "StableDiffusionPipeline"), 40) is None


def test_what_is_offered_is_said_in_words() -> None:
    assert offers(("StableDiffusionXLPipeline",), 30) == ["compiled blocks on a GPU", "channels last"]
    assert offers(("FluxPipeline",), 28)[0] == "FirstBlockCache"
    assert offers(("StableDiffusion3Pipeline",), 28) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("chroma", "no cache of steps, since in diffusers, ChromaPipeline keeps none apart for each half of its"),
        ("z-image", "no cache of steps, since diffusers has none that ZImagePipeline can draw with"),
        ("krea2-turbo", "no cache of steps, since diffusers has none that Krea2Pipeline can draw with"),
        ("flux-schnell", "no cache of steps, since in 4 steps each changes too much of the picture"),
        ("sdxl", "no cache of steps, since diffusers has none that StableDiffusionXLPipeline can draw with"),
        ("flux", ""),
        ("kontext", ""),
    ],
)
def test_why_there_is_no_cache_of_steps_is_said(name: str, told: str) -> None:
    preset = load_presets({})[name]
    said = lacking_cache((preset.pipeline,), preset.steps)
    assert (told in said) if told else said == ""


@pytest.mark.slow
def test_the_reason_is_that_of_diffusers() -> None:
    """It fails where an update of diffusers brings a cache for one of these: then it can be taken."""
    import diffusers
    from diffusers.models.cache_utils import CacheMixin

    for name in BY_CONTRAST:
        assert "cache_context" not in inspect.unwrap(getattr(diffusers, name).__call__).__code__.co_names, name
    assert not issubclass(diffusers.ZImageTransformer2DModel, CacheMixin)
    assert not issubclass(diffusers.Krea2Transformer2DModel, CacheMixin)


def test_every_preset_names_its_pipeline() -> None:
    assert [name for name, preset in load_presets({}).items() if not preset.pipeline] == []


@pytest.mark.slow
def test_pipelines_with_a_cache_keep_one_for_each_half_of_guidance() -> None:
    import diffusers

    for name in STEP_CACHES:
        keeps = "cache_context" in inspect.unwrap(getattr(diffusers, name).__call__).__code__.co_names
        assert keeps == (name not in ONE_PASS), name


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({saved: name for name, saved in SAVED.items()}.values()))
def test_a_loaded_pipeline_is_offered_what_its_preset_says(
    name: str, family_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast, "can_compile", lambda device: True)
    monkeypatch.setattr(fast, "faster_attention", lambda *_, **__: "sage")
    generator = load_family(family_folder, name)
    preset, family = load_presets({})[name], generator._loaded.family
    pipelines: tuple[Any, Any] = (generator.pipeline, family.pipeline_for(()))
    without = EDITORS[preset.pipeline].without if preset.pipeline in EDITORS else ""
    names = (preset.pipeline, without or preset.pipeline)
    assert tuple(type(one).__name__ for one in pipelines) == names
    loaded = generator._loaded
    taken = fast.taken_for(pipelines, preset.steps, loaded.device, loaded.dtype, "full", False)
    assert taken.names == [told.partition(" on a GPU")[0] for told in offers(names, preset.steps)]
