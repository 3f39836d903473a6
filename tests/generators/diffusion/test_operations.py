"""How much one image has to be computed."""

from typing import Any

import pytest

from imagerag.generators.diffusion.operations import operations, passes
from imagerag.generators.diffusion.presets import Preset, load_presets
from imagerag.generators.diffusion.recipes import Published, recipe_of


def test_operations_of_an_image() -> None:
    """SDXL's UNet has about 6 TMACs a pass at a megapixel, 12 TFLOP; by parameters and tokens it is 21."""
    presets = load_presets()
    sdxl = operations(presets["sdxl"])
    assert sdxl == pytest.approx(2 * 2.57e9 * 4096 * 30 * 2)
    klein = operations(presets["flux2-klein"])
    assert klein == pytest.approx(2 * 3.89e9 * 4096 * 4), "no contrast, so one pass a step"
    assert operations(presets["flux2"]) == pytest.approx(2 * 32.2e9 * 4096 * 50), "guidance is an input"
    assert operations(presets["flux2-klein-base"]) == pytest.approx(2 * 3.89e9 * 4096 * 50 * 2)
    distilled = operations(presets["hunyuan-image-distilled"])
    assert distilled == pytest.approx(2 * 17.41e9 * 4096 * 8), "tokens of 32 x 32 pixels"


@pytest.mark.parametrize(
    ("model", "class_name", "parts", "expected"),
    [
        ("somebody/flux-tune", "FluxPipeline", {}, 1),
        ("somebody/flux-dev-8steps", "FluxPipeline", {}, 1),
        ("somebody/open-flux", "FluxPipeline", {}, 2),
        ("somebody/kontext-tune", "FluxKontextPipeline", {}, 1),
        ("somebody/flux2-tune", "Flux2Pipeline", {}, 1),
        ("somebody/klein-tune", "Flux2KleinPipeline", {}, 2),
        ("somebody/hunyuan", "HunyuanImagePipeline", {"transformer": {"guidance_embeds": True}}, 1),
        ("somebody/hunyuan", "HunyuanImagePipeline", {}, 2),
        ("somebody/lcm", "StableDiffusionPipeline", {"unet": {"time_cond_proj_dim": 256}}, 1),
        ("somebody/xl-tune", "StableDiffusionXLPipeline", {}, 2),
        ("somebody/chroma-tune", "ChromaPipeline", {}, 2),
    ],
)
def test_passes_of_a_model_named_by_its_id(
    model: str, class_name: str, parts: dict[str, dict[str, Any]], expected: int
) -> None:
    index = {"_class_name": class_name, **{part: [] for part in parts}}
    found = recipe_of(Published(model, index, lambda part: parts.get(part, {})), load_presets())
    assert found is not None
    assert passes(found) == expected


def test_where_guidance_is_added_to_one_contrast_begins_above_zero() -> None:
    half = {"name": "a", "model": "m", "family": "text", "guidance": 0.5}
    assert passes(Preset.model_validate(half | {"pipeline": "ZImagePipeline"})) == 2
    assert passes(Preset.model_validate(half | {"pipeline": "SanaPipeline"})) == 1


def test_a_model_whose_size_is_not_known_has_none() -> None:
    assert operations(load_presets()["sdxl"].model_copy(update={"weights": {}})) is None
