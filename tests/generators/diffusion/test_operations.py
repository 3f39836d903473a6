"""How much one image has to be computed."""

import pytest

from imagerag.generators.diffusion.operations import operations
from imagerag.generators.diffusion.presets import load_presets


def test_operations_of_an_image() -> None:
    """SDXL's UNet has about 6 TMACs a pass at a megapixel, 12 TFLOP; by parameters and tokens it is 21."""
    presets = load_presets()
    sdxl = operations(presets["sdxl"])
    assert sdxl == pytest.approx(2 * 2.57e9 * 4096 * 30 * 2)
    klein = operations(presets["flux2-klein"])
    assert klein == pytest.approx(2 * 3.89e9 * 4096 * 4), "no contrast, so one pass a step"
    assert operations(presets["flux2"]) == pytest.approx(2 * 32.2e9 * 4096 * 50), "guidance is an input"
    assert operations(presets["flux2-klein-base"]) == pytest.approx(2 * 3.89e9 * 4096 * 50 * 2)


def test_a_model_whose_size_is_not_known_has_none() -> None:
    assert operations(load_presets()["sdxl"].model_copy(update={"weights": {}})) is None
