"""Profiles: sets of parts that go together, and the settings of a run with nothing left open."""

from imagerag.profiles.resolve import RunSettings, resolve

__all__ = ["RunSettings", "resolve"]
