"""Machines with devices that this one need not have, as far as the choice of models asks."""

import pytest

import imagerag.profiles.machine as this
from imagerag.profiles.machine import Kind, Machine

HOST = 64.0
"""10^9 bytes of the host's own memory where nothing else is said."""


def machine(kind: Kind, gigabytes: float, has_4bit: bool = False, host: float = HOST) -> Machine:
    """Return a machine with a device that has so many 10^9 bytes free, and so many of its own beside it."""
    own = host if kind == "cuda" else gigabytes  # one memory for both elsewhere
    return Machine(kind, kind, int(gigabytes * 1e9), int(own * 1e9), 4 if kind == "cpu" else 2, has_4bit)


def run_on(monkeypatch: pytest.MonkeyPatch, found: Machine) -> None:
    """Let this machine be that one, until the test ends."""
    monkeypatch.setattr(this, "_asked", lambda device, dtype: found)
