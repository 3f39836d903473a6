"""Embeddings of prompts, kept from one drawing to the next: candidates and redraws of one run repeat their words."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable
from typing import Any

from cachetools import LRUCache

from imagerag.generators.diffusion.fingerprints import fingerprint

MOST_KEPT = 8
"""Encoded prompts kept; one of FLUX is 4 MB, the largest (FLUX.2's 512 tokens of 15,360 numbers) 16 MB."""


ENCODERS = ("encode_prompt", "encode_prompt_multiple_images")
"""Methods by which pipelines encode words, with pictures or without (the second is JoyAI-Image's)."""


def remember_prompts(pipeline: Any) -> None:
    """Let a pipeline encode the same words once: with offloaded weights it saves bringing the text encoder back, too.

    Pictures that are encoded with the words are compared by their pixels. What can't be compared is encoded anew.

    Args:
        pipeline: of diffusers; one without ``ENCODERS`` stays as it is.
    """
    for name in ENCODERS:
        encode = getattr(pipeline, name, None)
        if encode is not None and not hasattr(encode, "known_prompts"):
            setattr(pipeline, name, _remembering(encode))


def _remembering(encode: Callable[..., Any]) -> Callable[..., Any]:
    known: LRUCache[Hashable, Any] = LRUCache(MOST_KEPT)
    parameters = inspect.signature(encode)

    @functools.wraps(encode)
    def remembered(*args: Any, **given: Any) -> Any:
        try:
            key = fingerprint(list(parameters.bind(*args, **given).arguments.items()))
        except TypeError:
            return encode(*args, **given)
        if key not in known:
            known[key] = encode(*args, **given)
        return known[key]

    remembered.known_prompts = known  # type: ignore[attr-defined]
    return remembered
