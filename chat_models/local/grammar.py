"""Answers of local models held to a JSON schema while they are written, by llguidance's grammars."""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import LogitsProcessor, PreTrainedTokenizerFast

from imagerag.chat_models.reasoning import ReasoningFilter

SPACING: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""As models write JSON; left free, small ones write spaces without end."""


class SchemaConstraint(LogitsProcessor):
    """Lets through only tokens with which the answer can still become JSON that fits; thoughts before it are free.

    Args:
        tokenizer: the checkpoint's; ``supports_grammar`` tells whether it will do.
        schema: JSON schema; objects get no other properties than those it names.
        vocabulary: scores that the model gives for each token, which can be more than the tokenizer has.
        endings: tokens with which an answer of this model ends.
        prompt: as the model is given it; some templates end with the opening mark of a thought.

    Raises:
        ValueError: the schema has something in it that no grammar is made of.
    """

    def __init__(
        self, tokenizer: Any, schema: dict[str, Any], vocabulary: int, endings: tuple[int, ...], prompt: str = ""
    ) -> None:
        grammar = LLMatcher.grammar_from_json_schema(_closed(schema), overrides=SPACING)
        self._matcher = LLMatcher(_words_of(tokenizer, vocabulary, endings), grammar)
        if self._matcher.is_error():
            raise ValueError(self._matcher.get_error())
        self._tokenizer = tokenizer
        self._thoughts = ReasoningFilter(prompt)
        self._read: int | None = None

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores [1, vocabulary] with those of tokens that don't fit at minus infinity."""
        fresh = [] if self._read is None else ids[0, self._read :].tolist()
        self._read = ids.shape[1]
        if self._thoughts.thinking:
            self._thoughts.part(self._tokenizer.decode(fresh))
            if self._thoughts.thinking:
                return scores
        else:
            self._matcher.consume_tokens(fresh)
        bits = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")
        fits = torch.zeros(scores.shape[-1], dtype=torch.bool)
        fits[: len(bits)] = torch.from_numpy(bits[: scores.shape[-1]].astype(bool))
        return scores.masked_fill(~fits.to(scores.device), -torch.inf)


def _closed(schema: Any) -> Any:
    """Return the schema with every object closed: a model that may, can add properties without end."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(inner) for name, inner in schema.items()}
    return {**closed, "additionalProperties": False} if isinstance(closed.get("properties"), dict) else closed


def held_to(schema: dict[str, Any] | None, model: Any, processor: Any, prompt: str) -> list[SchemaConstraint]:
    """Return what holds an answer to a schema, if there is one, and the checkpoint's tokenizer can be held.

    Args:
        schema: JSON schema.
        model, processor: of the checkpoint.
        prompt: as the model is given it.
    """
    tokenizer = getattr(processor, "tokenizer", processor)
    if not (schema and supports_grammar(tokenizer)):
        return []
    vocabulary = model.config.get_text_config().vocab_size
    return [SchemaConstraint(tokenizer, schema, vocabulary, endings_of(model), prompt)]


def endings_of(model: Any) -> tuple[int, ...]:
    """Return the tokens with which an answer of a checkpoint ends."""
    ending = model.generation_config.eos_token_id
    return (ending,) if isinstance(ending, int) else tuple(ending or ())


def supports_grammar(tokenizer: Any) -> bool:
    """Tell whether that tokenizer can be held to a grammar: one of the tokenizers library."""
    return isinstance(tokenizer, PreTrainedTokenizerFast)


@lru_cache(maxsize=2)
def _words_of(tokenizer: Any, vocabulary: int, endings: tuple[int, ...]) -> LLTokenizer:
    return from_tokenizer(tokenizer, n_vocab=max(vocabulary, len(tokenizer)), eos_token=list(endings) or None)
