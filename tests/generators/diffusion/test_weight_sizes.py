"""What weights take of a device's memory in each mode."""

import subprocess
import sys

import pytest

from imagerag.generators.diffusion.presets import load_presets
from imagerag.generators.diffusion.weight_sizes import QUANTISED, device_bytes, host_bytes, large_parts

KLEIN = {name: 2e9 * size for name, size in load_presets({})["flux2-klein"].weights.items()}


def test_each_mode_holds_less_on_the_device() -> None:
    full, offload, four = (device_bytes(KLEIN, mode) or 0.0 for mode in ("full", "offload", "4bit"))
    assert full == pytest.approx(15.98e9)
    assert offload == pytest.approx(8.04e9)
    assert four == pytest.approx(8.04e9 * QUANTISED)
    assert device_bytes(KLEIN, "sequential") is None
    assert host_bytes(KLEIN, "full") == 0
    assert host_bytes(KLEIN, "offload") == full


def test_small_parts_stay_as_they_are() -> None:
    assert large_parts(KLEIN) == ["transformer", "text_encoder"]


def test_torch_is_not_imported() -> None:
    code = "import sys, imagerag.generators.diffusion.weight_sizes; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
