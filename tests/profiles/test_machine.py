"""What models can take of this machine."""

import pytest

from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.profiles import machine as module
from imagerag.profiles.machine import Machine, this_machine
from testing.machines import machine, run_on


def test_a_cpu_has_the_machines_memory_once() -> None:
    found = this_machine(DeviceSettings(device="cpu"))
    assert (found.kind, found.name, found.bytes_each, found.modes) == ("cpu", "cpu", 4, ("full",))
    assert found.free == found.host > 0
    assert found.told == f"{found.free / 1e9:.0f} GB free on cpu"
    assert this_machine(DeviceSettings(device="cpu", dtype="bfloat16")).bytes_each == 2


def test_it_is_asked_once_before_our_own_models_lie_in_it() -> None:
    assert this_machine(DeviceSettings(device="cpu")) is this_machine(DeviceSettings(device="cpu"))


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="device 'nonsense' can't be used here"):
        this_machine(DeviceSettings(device="nonsense"))


@pytest.mark.parametrize(
    ("found", "modes"),
    [
        (machine("cuda", 8, has_4bit=True), ("full", "offload", "4bit")),
        (machine("cuda", 8), ("full", "offload")),
        (machine("mps", 8), ("full",)),
    ],
)
def test_moving_weights_spares_nothing_where_there_is_one_memory(found: Machine, modes: tuple[str, ...]) -> None:
    assert found.modes == modes


def test_a_test_may_stand_on_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(monkeypatch, machine("mps", 8))
    assert module.this_machine(DeviceSettings()).kind == "mps"
