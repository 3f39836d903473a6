"""The modes of a run: when references are looked up, and how much of them is drawn with."""

from typing import Literal

Mode = Literal["auto", "lookup_first", "rephrase_only", "no_lookup"]


MODES: tuple[Mode, ...] = ("auto", "lookup_first", "rephrase_only", "no_lookup")

Isolation = Literal["none", "crop", "cut", "mask", "words"]
ISOLATIONS: tuple[Isolation, ...] = ("none", "crop", "cut", "mask", "words")
"""How much of a reference is drawn with: all of it, the part where the concept is, of that only the thing itself, all
with nothing but that part to be seen, or no pixel: what is said of it is put into the prompt."""

IsolationBy = Literal["clip", "vlm"]
ISOLATION_BY: tuple[IsolationBy, ...] = ("clip", "vlm")
"""Who tells where in a reference the concept is, and what it looks like."""
