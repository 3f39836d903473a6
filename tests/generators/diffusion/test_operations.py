"""How much one image has to be computed."""

from pathlib import Path
from typing import Any

import pytest

from imagerag.generators.diffusion.known import of_published
from imagerag.generators.diffusion.operations import operations
from imagerag.generators.diffusion.presets import PRESETS, Preset, load_presets
from imagerag.generators.diffusion.recipes import Published


def test_operations_of_an_image() -> None:
    """SDXL's UNet has about 6 TMACs a pass at a megapixel, 12 TFLOP; by parameters and tokens it is 21."""
    presets = load_presets()
    sdxl = operations(presets["sdxl"])
    assert sdxl == pytest.approx(2 * 2.57e9 * 4096 * 30 * 2)
    klein = operations(presets["flux2-klein"])
    assert klein == pytest.approx(2 * 3.89e9 * 4096 * 4), "no contrast, so one pass a step"
    assert operations(presets["flux2"]) == pytest.approx(2 * 32.2e9 * 4096 * 50), "guidance is an input"
    assert operations(presets["flux2-klein-base"]) == pytest.approx(2 * 3.89e9 * 4096 * 50 * 2)


def published(class_name: str, denoiser: dict[str, Any] | None = None, name: str = "somebody/tune") -> Preset:
    """Return how a model is asked of which its repository says no more than this."""
    part = "unet" if class_name in ("StableDiffusionPipeline", "LatentConsistencyModelPipeline") else "transformer"
    index = {"_class_name": class_name, part: ["diffusers", "X"]}
    known = Published(name, index, lambda asked: (denoiser or {}) if asked == part else {})
    return of_published(known, load_presets({}), {part: 1.0})


@pytest.mark.parametrize(
    ("preset", "passes"),
    [
        (published("FluxPipeline"), 1),
        (published("FluxPipeline", name="somebody/OpenFLUX"), 2),
        (published("FluxPipeline", name="somebody/flux-schnell-tune"), 1),
        (published("FluxKontextPipeline"), 1),
        (published("Flux2Pipeline"), 1),
        (published("HunyuanImagePipeline", {"guidance_embeds": True}), 1),
        (published("HunyuanImagePipeline"), 2),
        (published("StableDiffusionPipeline", {"time_cond_proj_dim": 256}), 1),
        (published("LatentConsistencyModelPipeline"), 1),
        (published("StableDiffusionPipeline"), 2),
        (published("QwenImagePipeline"), 2),
    ],
    ids=lambda value: value.recipe if isinstance(value, Preset) else str(value),
)
def test_a_model_named_by_its_id_computes_as_many_passes_as_its_class_does(preset: Preset, passes: int) -> None:
    tokens = preset.width * preset.height / 256
    assert operations(preset) == pytest.approx(2e9 * tokens * preset.steps * passes)


def test_a_table_of_ones_own_computes_as_many_passes_as_what_it_is_like(tmp_path: Path) -> None:
    file = tmp_path / "presets.toml"
    file.write_text('[mine]\nlike = "flux"\nmodel = "me/flux"\n[undone]\nlike = "mine"\ntrue_cfg = true\n')
    own = load_presets({PRESETS: str(file)})
    assert operations(own["mine"]) == operations(own["flux"])
    assert operations(own["undone"]) == pytest.approx(2 * (operations(own["flux"]) or 0.0))


def test_a_model_whose_size_is_not_known_has_none() -> None:
    assert operations(load_presets()["sdxl"].model_copy(update={"weights": {}})) is None
