"""Which denoisers an IP-Adapter fits; what follows from it is in test_recipes.py."""

from typing import Any

import pytest

from imagerag.generators.diffusion.adapter_fit import KINDS, TRANSFORMERS, misfit
from imagerag.generators.diffusion.file_configs import CONFIGS
from imagerag.generators.diffusion.presets import load_presets


@pytest.mark.parametrize("class_name", KINDS)
def test_the_published_unets_fit(class_name: str) -> None:
    published: dict[str, Any] = CONFIGS[KINDS[class_name]]["unet/config.json"]
    assert misfit(class_name, published) == ""
    assert misfit(class_name, {**published, "mid_block_type": "UNetMidBlock2DCrossAttn"}) == ""
    assert misfit(class_name, {}) == "", "what can't be read is taken to fit"


@pytest.mark.parametrize("class_name", TRANSFORMERS)
def test_a_transformer_of_fewer_layers_does_not(class_name: str) -> None:
    layers: int = TRANSFORMERS[class_name]["num_layers"]
    assert misfit(class_name, TRANSFORMERS[class_name]) == ""
    assert misfit(class_name, {"num_layers": 2}) == f"num_layers = 2, not {layers}"


def test_every_class_with_an_adapter_is_known() -> None:
    with_adapter = {preset.pipeline for preset in load_presets({}).values() if preset.adapter is not None}
    assert with_adapter == {*KINDS, *TRANSFORMERS}
    assert misfit("SanaPipeline", {"num_layers": 2}) == ""
