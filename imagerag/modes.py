"""The modes of a run: when references are looked up."""

from typing import Literal

Mode = Literal["auto", "lookup_first", "rephrase_only", "no_lookup"]


MODES: tuple[Mode, ...] = ("auto", "lookup_first", "rephrase_only", "no_lookup")
