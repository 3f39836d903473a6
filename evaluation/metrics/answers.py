"""How likely a chat model holds some answers to be, by the log-probabilities of the word that it begins with."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from langchain_core.messages import AIMessage

from imagerag.chat_models.logprobs import tokens_told
from imagerag.chat_models.reasoning import without_reasoning

FEWEST_LETTERS = 2
"""Of a token that may begin an answer: a single letter begins too many."""


def probability_of(answer: AIMessage, accepted: Sequence[str]) -> float | None:
    """Return how likely the answer's first word was one of those, 0..1.

    As in Soft-TIFA, the probabilities of all tokens that may begin an accepted answer are added: with and without a
    space, in small and capital letters. What is not among the alternatives that the model tells counts as nothing.

    Returns:
        ``None`` where no log-probabilities are told, or those of thoughts before the answer.
    """
    said = first_word(answer)
    for token in tokens_told(answer.response_metadata or {}):
        begun = _word(token.text)
        if not begun:
            continue  # a line break, or a quotation mark
        if not said.startswith(begun):
            return None
        return min(sum(math.exp(logprob) for text, logprob in token.likely.items() if _begins(text, accepted)), 1.0)
    return None


def is_accepted(answer: AIMessage, accepted: Sequence[str]) -> bool:
    """Tell whether an answer's first word is one of those."""
    return first_word(answer) in accepted


def first_word(answer: AIMessage) -> str:
    """Return the first word or number of an answer, in small letters, thoughts left out; empty where there is none."""
    found = re.search(r"[^\W_]+", without_reasoning(str(answer.text)))
    return found[0].lower() if found else ""


def _word(text: str) -> str:
    """Return the letters or digits of a token, in small letters; tokenizers mark spaces with signs of their own."""
    return re.sub(r"[\W_]+", "", text.replace("\u0120", "").replace("\u2581", "")).lower()


def _begins(text: str, accepted: Sequence[str]) -> bool:
    word = _word(text)
    return any(word == each or (len(word) >= FEWEST_LETTERS and each.startswith(word)) for each in accepted)
