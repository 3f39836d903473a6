"""Words that name things one can see."""

from __future__ import annotations

from functools import lru_cache

from imagerag.assets import asset


@lru_cache(maxsize=1)
def concrete_nouns() -> frozenset[str]:
    """Return about 3,150 nouns in lower case and in the singular, as ``training.build_nouns`` selects them."""
    lines = asset("nouns.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
