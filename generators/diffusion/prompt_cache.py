"""Embeddings of prompts, kept from one drawing to the next: candidates and redraws of one run repeat their words."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Hashable
from typing import Any

import torch
from cachetools import LRUCache

MOST_KEPT = 8
"""Encoded prompts kept; one of FLUX is 4 MB, the largest (FLUX.2's 512 tokens of 15,360 numbers) 16 MB."""


def remember_prompts(pipeline: Any) -> None:
    """Let a pipeline encode the same words once: with offloaded weights it saves bringing the text encoder back, too.

    What can't be compared by value, as pictures that are encoded with the words, is encoded anew each time.

    Args:
        pipeline: of diffusers; one without ``encode_prompt`` stays as it is.
    """
    encode = getattr(pipeline, "encode_prompt", None)
    if encode is None or hasattr(encode, "known_prompts"):
        return
    known: LRUCache[Hashable, Any] = LRUCache(MOST_KEPT)
    parameters = inspect.signature(encode)

    @functools.wraps(encode)
    def remembered(*args: Any, **given: Any) -> Any:
        key = _key(parameters.bind(*args, **given).arguments)
        if key is None:
            return encode(*args, **given)
        if key not in known:
            known[key] = encode(*args, **given)
        return known[key]

    remembered.known_prompts = known  # type: ignore[attr-defined]
    pipeline.encode_prompt = remembered


def _key(arguments: dict[str, Any]) -> Hashable | None:
    """Return what tells calls apart; ``None`` where something in them can't be compared by value."""
    parts = []
    for name, value in sorted(arguments.items()):
        part = tuple(value) if isinstance(value, list) else value
        simple = part if isinstance(part, tuple) else (part,)
        if not all(isinstance(one, str | int | float | None | torch.device | torch.dtype) for one in simple):
            return None
        parts.append((name, part))
    return tuple(parts)
