"""Prompts of models that were taught on descriptions in JSON: one of their own, or plain words as one key of it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from imagerag.generators.diffusion.words import Words

DESCRIBED = "short_description"
EDITED = "edit_instruction"

READ_AS: Mapping[str, str] = {
    "BriaFiboPipeline": DESCRIBED,
    "BriaFibo2Pipeline": DESCRIBED,
    "BriaFiboEditPipeline": EDITED,
}
"""By pipeline class, the key that plain words stand at: the examples of each pipeline of diffusers 0.42.1, and its
``api/pipelines/bria_fibo.md``: "trained exclusively on a structured prompt". ``BriaFiboEditPipeline`` takes no
others."""


def advice(class_name: str) -> str:
    """Return in words what a model of a class wants as its prompt; empty where that is plain words."""
    key = READ_AS.get(class_name)
    if key is None:
        return ""
    return (
        "it was taught on long descriptions in JSON, which its makers let another model write; it gets plain words as "
        f"their {key!r} alone, and may draw worse than its makers show"
    )


def is_structured(class_name: str, prompt: str) -> bool:
    """Tell whether a prompt is a description in JSON that a model of that class reads as it is."""
    key = READ_AS.get(class_name)
    if key is None or not prompt.lstrip().startswith("{"):
        return False
    try:
        description = json.loads(prompt)
    except (ValueError, RecursionError):
        return False
    return key in description


def structured(class_name: str, said: Words) -> Words:
    """Return what a model of a class is told in the form that it reads, with a note where that is made of plain words.

    Args:
        class_name: of the pipeline.
        said: what it is told otherwise.
    """
    key = READ_AS.get(class_name)
    if key is None or is_structured(class_name, said.text):
        return said
    text = json.dumps({key: said.text}, ensure_ascii=False)
    return Words(text, (*said.notes, f"about this model: {advice(class_name)}"))
