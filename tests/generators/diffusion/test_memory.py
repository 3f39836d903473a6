"""Memory modes of a diffusers pipeline, and running out of memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from imagerag.device_settings import DeviceSettings
from imagerag.errors import InvalidArgument, UserError
from imagerag.generators.diffusion import memory
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.memory import RanOut, choose_mode, placed_or_less
from imagerag.generators.diffusion.presets import load_presets
from imagerag.generators.diffusion.weight_sizes import QUANTISED, device_bytes, host_bytes, large_parts
from testing.diffusion_requests import draw, pixels, preset


class TestMemory:
    @pytest.mark.slow
    @pytest.mark.parametrize("memory", ["offload", "sequential"])
    def test_the_mode_changes_no_pixel(self, folder: Path, memory: Any) -> None:
        full = DiffusionGenerator(preset(folder, "sdxl"))
        saving = DiffusionGenerator(preset(folder, "sdxl"), DeviceSettings(memory=memory))
        assert saving.memory == memory
        for count in (0, 2):
            assert (pixels(draw(full, count)) == pixels(draw(saving, count))).all()

    @pytest.mark.slow
    def test_out_of_memory_steps_down_once_and_goes_on(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        expected = pixels(draw(generator, 1))
        fail = _failing(generator, times=1)
        drawing = draw(generator, 1)
        assert fail.count == 1
        assert generator.memory == "offload"
        assert drawing.facts["notes"] == ["out of memory with --memory full; went on with offload, which is slower"]
        # Offloading may add up in another order, which shows as one level in a pixel.
        assert abs(pixels(drawing) - expected).max() <= 1
        assert draw(generator, 1).facts["notes"] == []

    @pytest.mark.slow
    def test_out_of_memory_again_steps_down_again(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        _failing(generator, times=2)
        drawing = draw(generator, 1)
        assert generator.memory == drawing.facts["memory"] == "sequential"
        assert drawing.facts["notes"] == [
            "out of memory with --memory full; went on with offload, which is slower",
            "out of memory with --memory offload; went on with sequential, which is slower",
        ]

    @pytest.mark.slow
    def test_out_of_memory_in_every_mode_is_an_answer_not_a_crash(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        _failing(generator, times=3)
        with pytest.raises(InvalidArgument, match="out of memory on cpu, also with --memory sequential; try again w"):
            draw(generator, 1)
        assert draw(generator, 1).image.size == (32, 32)

    @pytest.mark.slow
    def test_one_copy_of_the_weights(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        before = _bytes_of(generator.pipeline)
        draw(generator)
        draw(generator, 2)
        assert _bytes_of(generator.pipeline) == before

    @pytest.mark.slow
    def test_settings_that_no_device_has(self, folder: Path) -> None:
        with pytest.raises(UserError, match="device 'nonsense' can't be used here"):
            DiffusionGenerator(preset(folder, "sd15"), DeviceSettings(device="nonsense"))
        with pytest.raises(UserError, match="memory 'none' is not one of auto, full"):
            DeviceSettings(memory="none")  # type: ignore[arg-type]

    @pytest.mark.slow
    def test_4bit_needs_a_gpu(self, folder: Path) -> None:
        with pytest.raises(UserError, match="memory '4bit' needs a GPU, and there is none here"):
            DiffusionGenerator(preset(folder, "sd15"), DeviceSettings(device="cpu", memory="4bit"))

    @pytest.mark.parametrize(
        ("free", "library", "expected"),
        [
            (20e9, True, "full"),
            (9e9, True, "offload"),
            (6e9, True, "4bit"),
            (6e9, False, "sequential"),
            (1e9, True, "sequential"),
        ],
    )
    def test_auto_takes_the_fastest_that_fits(self, free: float, library: bool, expected: str) -> None:
        weights = {"unet": 5e9, "text_encoder": 5.5e9, "vae": 0.2e9}
        device = torch.device("cuda")
        assert choose_mode(DeviceSettings(), device, weights, int(free), library) == expected
        assert choose_mode(DeviceSettings(), torch.device("cpu"), weights, int(free), library) == "full"
        assert choose_mode(DeviceSettings(memory="offload"), device, weights, int(free), library) == "offload"

    @pytest.mark.slow
    def test_bfloat16(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"), DeviceSettings(dtype="bfloat16"))
        assert draw(generator, 2).facts["dtype"] == "bfloat16"


class TestSizes:
    WEIGHTS: ClassVar = {"unet": 5e9, "text_encoder": 2e9, "vae": 0.2e9, "image_encoder": 1.3e9, "adapter": 0.8e9}

    def test_the_adapter_lies_in_the_denoiser_and_is_not_quantised(self) -> None:
        assert device_bytes(self.WEIGHTS, "full") == 9.3e9
        assert device_bytes(self.WEIGHTS, "offload") == 5.8e9
        assert device_bytes(self.WEIGHTS, "4bit") == pytest.approx(5e9 * QUANTISED + 0.8e9)
        assert device_bytes(self.WEIGHTS, "sequential") is None

    def test_the_image_encoder_is_not_quantised(self) -> None:
        assert large_parts(self.WEIGHTS) == ["unet", "text_encoder"]
        small = {"unet": 3e9, "image_encoder": 1.3e9}
        assert device_bytes(small, "4bit") == 1.3e9

    def test_what_does_not_lie_on_the_device_waits_on_the_host(self) -> None:
        assert host_bytes(self.WEIGHTS, "full") == 0
        for mode in ("offload", "sequential"):
            assert host_bytes(self.WEIGHTS, mode) == pytest.approx(9.3e9)
        assert host_bytes(self.WEIGHTS, "4bit") == pytest.approx(7e9 * QUANTISED + 2.3e9)

    def test_a_lower_mode_takes_less_for_every_preset(self) -> None:
        for known in load_presets({}).values():
            sizes = {name: 2e9 * size for name, size in known.weights.items()}
            taken = [device_bytes(sizes, mode) or 0 for mode in ("full", "offload", "4bit")]
            assert taken == sorted(taken, reverse=True), known.name


class _Narrow:
    """Runs out of memory as often as it is placed, so many times."""

    components: ClassVar[dict[str, object]] = {}

    def __init__(self, times: int) -> None:
        self.left = times

    def _tight(self, *_: object, **__: object) -> None:
        if self.left:
            self.left -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    remove_all_hooks = staticmethod(lambda: None)
    to = enable_model_cpu_offload = _tight


class TestPlacing:
    @pytest.mark.parametrize(
        ("times", "expected"),
        [
            (0, ("full", ())),
            (1, ("offload", ("out of memory with --memory full; went on with offload, which is slower",))),
        ],
    )
    def test_it_steps_down_until_it_fits_and_says_so(self, times: int, expected: object) -> None:
        assert placed_or_less(_Narrow(times), torch.device("cpu"), "full", "m") == expected  # type: ignore[arg-type]

    def test_what_fits_in_no_mode_is_one_line(self) -> None:
        with pytest.raises(UserError, match=r"'m' does not fit into the memory of cpu, also with --memory sequential "):
            placed_or_less(_Narrow(3), torch.device("cpu"), "full", "m")  # type: ignore[arg-type]

    def test_in_4_bits_whoever_loads_has_to_go_on(self) -> None:
        found = placed_or_less(_Narrow(1), torch.device("meta"), "4bit", "m")  # type: ignore[arg-type]
        assert found == RanOut("CUDA out of memory. Tried to allocate 2.00 GiB")

    @pytest.mark.slow
    def test_while_a_preset_is_loaded(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        usual = torch.nn.Module.to
        left = [1]

        def to(self: torch.nn.Module, *arguments: Any, **options: Any) -> Any:
            if left[0] and type(self).__name__ == "UNet2DConditionModel" and torch.device("cpu") in arguments:
                left[0] -= 1
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return usual(self, *arguments, **options)

        monkeypatch.setattr("diffusers.ModelMixin.to", to)
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        generator.place()
        assert left == [0]
        assert generator.memory == "offload"
        drawing = draw(generator, 1)
        assert drawing.image.size == (32, 32)
        assert drawing.facts["notes"] == ["out of memory with --memory full; went on with offload, which is slower"]
        assert draw(generator, 1).facts["notes"] == []

    def test_it_is_caught_in_one_place(self) -> None:
        folder = Path(memory.__file__).parent
        catching = [
            file.name
            for file in folder.glob("*.py")
            if "except (RuntimeError, MemoryError, OSError)" in file.read_text()
        ]
        assert catching == ["memory.py"]

    @pytest.mark.slow
    def test_4bit_steps_down_to_weights_loaded_anew(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        generator._loaded.mode = "4bit"  # what a CPU has no library for; that they are quantised doesn't matter here
        quantised, before = generator.pipeline, generator.revision
        _failing(generator, times=1)
        drawing = draw(generator, 1)
        assert generator.memory == "sequential"
        assert generator.pipeline is not quantised
        assert generator.revision != before, "the pixels are others"
        assert drawing.facts["notes"] == ["out of memory with --memory 4bit; went on with sequential, which is slower"]


class _failing:
    """Lets the denoiser run out of memory so many times, at its second step."""

    def __init__(self, generator: DiffusionGenerator, times: int) -> None:
        self.count = 0
        denoiser = generator.pipeline.unet
        usual: Callable[..., Any] = denoiser.time_proj.forward
        calls = 0

        def forward(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if self.count < times and calls % 2 == 0:
                self.count += 1
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return usual(*args, **options)

        denoiser.time_proj.forward = forward


def _bytes_of(pipeline: Any) -> int:
    components = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    tensors = {tensor.data_ptr(): tensor for part in components for tensor in part.parameters()}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
