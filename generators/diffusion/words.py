"""The text that a model gets: the paper's conditioned form, cut where the model's text encoder ends, and said so."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

from imagerag.generators.base import Reference
from imagerag.prompt_grammar.parser import CONDITIONED

OWN = "the subject"
"""What a person's own image is called where its concept isn't named."""


TEMPLATE = 64
"""Tokens left for the conversation in which some pipelines (FLUX.2, Qwen-Image) wrap the prompt."""


class Words(NamedTuple):
    """What the model is told.

    Attributes:
        text: whole.
        notes: what of it the model will not see, for the person.
    """

    text: str
    notes: tuple[str, ...] = ()


def plain(prompt: str) -> str:
    """Return the prompt without the conditioned form, if it has that."""
    return CONDITIONED.sub("", prompt, count=1).strip() or prompt


def conditioned(prompt: str, references: Sequence[Reference], placeholder: str = "{concept}") -> str:
    """Return the prompt in the paper's form, "According to these images of <concepts>, generate <prompt>".

    Args:
        prompt: without it.
        references: in the order in which the model gets them.
        placeholder: how one is named: ``{concept}`` and ``{number}``, counted from 1, are filled in.
    """
    if not references:
        return prompt
    named = [
        placeholder.format(concept=reference.concept or OWN, number=number)
        for number, reference in enumerate(references, 1)
    ]
    these = "this image" if len(references) == 1 else "these images"
    return f"According to {these} of {', '.join(dict.fromkeys(named))}, generate {prompt}"


def fitted(pipeline: Any, prompt: str, asked: str, most: int | None = None) -> Words:
    """Return ``asked`` if the text encoder takes it whole, else the bare prompt, with a note of what is cut off it.

    Args:
        pipeline: with its tokenizers.
        prompt: what the person wants.
        asked: the same in the family's form.
        most: tokens that the model was trained to read, where the pipeline would send more.
    """
    rest = beyond(pipeline, asked, most)
    if not rest:
        return Words(asked)
    rest = beyond(pipeline, prompt, most)
    if not rest:
        return Words(prompt)
    return Words(prompt, (f"the model's text encoder ends before the prompt does; not read: {rest!r}",))


def beyond(pipeline: Any, text: str, trained: int | None = None) -> str:
    """Return what of a text lies beyond what the pipeline's longest text encoder takes; empty if nothing does."""
    names = ("tokenizer_3", "tokenizer_2", "tokenizer")
    tokenizer = next((found for name in names if (found := getattr(pipeline, name, None)) is not None), None)
    if tokenizer is None:
        return ""
    template = getattr(tokenizer, "chat_template", None)
    if not hasattr(tokenizer, "model_max_length"):
        tokenizer = tokenizer.tokenizer  # a processor, which holds one (FLUX.2)
    parameter = inspect.signature(pipeline.__call__).parameters.get("max_sequence_length")
    sent = parameter.default if parameter and parameter.default else 10**9
    most = min(int(tokenizer.model_max_length), sent, trained or sent)
    ids = tokenizer(text, truncation=False, verbose=False).input_ids
    if template:
        most -= TEMPLATE
    if len(ids) <= most:
        return ""
    closing = int(ids[-1] in tokenizer.all_special_ids)  # the encoder's closing token takes the last place
    tail: str = tokenizer.decode(ids[most - closing :], skip_special_tokens=True)
    return tail.strip()
