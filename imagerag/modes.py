"""The modes of a run: when references are looked up, and how much of them is drawn with."""

from typing import Literal

Mode = Literal["auto", "lookup_first", "rephrase_only", "no_lookup"]


MODES: tuple[Mode, ...] = ("auto", "lookup_first", "rephrase_only", "no_lookup")

Isolation = Literal["none", "crop", "cut"]
ISOLATIONS: tuple[Isolation, ...] = ("none", "crop", "cut")
"""How much of a reference is drawn with: all of it, the part where the concept is, or of that only the thing itself."""
