"""Where a local model computes, and in which numbers."""

import pytest
import torch

from imagerag.device_settings import DeviceSettings
from imagerag.devices import choose_device, choose_dtype, free_bytes, is_out_of_memory, out_of_memory_told
from imagerag.errors import UserError

CPU = torch.device("cpu")


def test_the_device_that_is_named() -> None:
    assert choose_device(DeviceSettings(device="cpu")) == CPU


def test_one_that_is_not_there_is_one_line() -> None:
    with pytest.raises(UserError, match=r"device 'cuda:99' can't be used here .*give --device auto"):
        choose_device(DeviceSettings(device="cuda:99"))


@pytest.mark.parametrize(
    ("named", "chosen"), [("auto", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float16)]
)
def test_numbers_on_a_processor(named: str, chosen: torch.dtype) -> None:
    assert choose_dtype(DeviceSettings(dtype=named), CPU) == chosen


def test_numbers_that_a_card_emulates_are_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "hip", None)
    asked = []

    def capability(device: torch.device) -> tuple[int, int]:
        asked.append(str(device))
        return (8, 6) if device.index else (7, 5)

    monkeypatch.setattr(torch.cuda, "get_device_capability", capability)
    assert choose_dtype(DeviceSettings(), torch.device("cuda:0")) == torch.float16
    assert choose_dtype(DeviceSettings(), torch.device("cuda:1")) == torch.bfloat16, "of the card that is used"
    assert asked == ["cuda:0", "cuda:1"]
    assert choose_dtype(DeviceSettings(), torch.device("mps")) == torch.bfloat16


def test_the_memory_of_a_processor_is_not_asked_for() -> None:
    assert free_bytes(CPU) is None


@pytest.mark.parametrize(
    "said",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "MPS backend out of memory (MPS allocated: 9.00 GB, other allocations: 1.00 GB, max allowed: 9.07 GB)",
        "[enforce fail at alloc_cpu.cpp] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate",
        "[enforce fail at alloc_cpu.cpp] data. DefaultCPUAllocator: not enough memory: you tried to allocate",
        "unable to mmap 1536173336 bytes from file <model.safetensors>: Cannot allocate memory (12)",
        "The paging file is too small for this operation to complete. (os error 1455)",
    ],
)
def test_what_libraries_say_where_memory_has_run_out(said: str) -> None:
    assert is_out_of_memory(RuntimeError(said))
    assert is_out_of_memory(OSError(said))
    assert not is_out_of_memory(ValueError(said))


def test_memory_that_ran_out_is_known_behind_what_a_library_makes_of_it() -> None:
    wrapped = OSError("Unable to load weights from checkpoint file for 'model.safetensors'")
    wrapped.__cause__ = MemoryError()
    assert is_out_of_memory(wrapped)
    assert not is_out_of_memory(RuntimeError("size mismatch for x"))


def test_memory_that_ran_out_is_told_in_one_line_and_what_is_told_already_is_left() -> None:
    told = out_of_memory_told(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB\nSee the documentation"))
    assert str(told).startswith("memory ran out (CUDA out of memory. Tried to allocate 2.00 GiB); close what else uses")
    assert str(out_of_memory_told(MemoryError())).startswith("memory ran out; close what else uses it, or choose")
    known = UserError("it does not fit")
    known.__cause__ = MemoryError()
    for other in (known, RuntimeError("size mismatch for x"), ValueError("out of memory")):
        assert out_of_memory_told(other) is None
