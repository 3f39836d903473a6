"""Probabilities of yes and no, read off the log-probabilities that a server or a local model tells with its answer.

Where an answer is JSON, the token that begins a value of true or false has been chosen among alternatives; how likely
both were is a finer answer than the word itself, as in VQAScore (Lin et al. 2024, arXiv 2404.01291), which scores an
image by the probability of "yes".
"""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from imagerag.chat_models.images import TAG

FIELDS = ("logprobs", "logprobs_result")
"""Of an answer's ``response_metadata``, where log-probabilities may stand."""


class Token(NamedTuple):
    """A token of an answer: its text, and the log-probabilities of it and of what might have stood there instead."""

    text: str
    likely: dict[str, float]


def asking_for_logprobs(model: BaseChatModel) -> dict[str, Any]:
    """Return the settings with which a model tells log-probabilities; none for one whose protocol has no such thing.

    ``logprobs.toml`` has them by provider. Servers named by address are asked in OpenAI's protocol.
    """
    name = str((model.metadata or {}).get(TAG, ""))
    return _settings().get(name.partition(":")[0], {})


@lru_cache(maxsize=1)
def _settings() -> dict[str, dict[str, Any]]:
    known = tomllib.loads((Path(__file__).parent / "logprobs.toml").read_text(encoding="utf-8"))["provider"]
    return {entry["name"]: entry["ask"] for entry in known}


def probabilities_of_yes(answer: AIMessage, field: str) -> list[float] | None:
    """Return for each true or false of that field in a JSON answer, in order, how likely true was, 0..1.

    Returns:
        ``None`` where the answer has no log-probabilities, or they don't fit its text.
    """
    tokens = tokens_told(answer.response_metadata or {})
    if not tokens:
        return None
    text = "".join(token.text for token in tokens)
    begins = [0]
    for token in tokens:
        begins.append(begins[-1] + len(token.text))
    found = []
    for match in re.finditer(rf'"{re.escape(field)}"\s*:\s*(true|false)', text):
        # The token in which the first letter of the value lies; it may have a colon, a quote or a space before it.
        at = next(place for place, end in enumerate(begins[1:]) if end > match.start(1))
        before = text[begins[at] : match.start(1)]
        found.append(_likelihood(tokens[at], before))
    return found or None


def tokens_told(metadata: Mapping[str, Any]) -> list[Token]:
    """Return the tokens of an answer; none where it tells none, or in no form that is known.

    Args:
        metadata: of the answer: ``logprobs`` in OpenAI's form, as a bare list (Ollama), or in the form of OpenAI's
            older protocol (Together); ``logprobs_result`` in Google's form, or as LangChain words that of Vertex AI.
    """
    told, of_google = metadata.get("logprobs"), metadata.get("logprobs_result")
    try:
        if isinstance(told, Mapping) and told.get("content"):
            return [_token(each) for each in told["content"]]
        if isinstance(told, Mapping) and told.get("tokens"):
            return _older(told)
        if isinstance(told, list) and told:
            return [_token(each) for each in told]
        if isinstance(of_google, list):
            return [_token(each) for each in of_google]
        if isinstance(of_google, Mapping):
            return _google(of_google)
    except (KeyError, TypeError, ValueError, AttributeError):  # something of it is missing, or of another type
        pass
    return []


def _token(told: Mapping[str, Any]) -> Token:
    listed = told.get("top_logprobs") or ()
    return _of(told["token"], told["logprob"], [(other["token"], other["logprob"]) for other in listed])


def _older(told: Mapping[str, Any]) -> list[Token]:
    """Return the tokens of parallel lists; alternatives are a mapping for each place, or left out."""
    others = told.get("top_logprobs") or [{}] * len(told["tokens"])
    places = zip(told["tokens"], told["token_logprobs"], others, strict=True)
    return [_of(text, logprob, list((other or {}).items())) for text, logprob, other in places]


def _google(told: Mapping[str, Any]) -> list[Token]:
    chosen = told["chosen_candidates"] or ()
    others = told.get("top_candidates") or [{}] * len(chosen)
    return [
        _of(
            one["token"],
            one["log_probability"],
            [(other["token"], other["log_probability"]) for other in of_place.get("candidates") or ()],
        )
        for one, of_place in zip(chosen, others, strict=True)
    ]


def _of(text: Any, logprob: Any, others: Sequence[tuple[Any, Any]]) -> Token:
    if not isinstance(text, str):
        raise TypeError(f"a token is no text: {text!r}")
    # None is told of the first token in some forms; a place without a number is certain only of what was written.
    likely = {str(other): float(value) for other, value in others if value is not None}
    return Token(text, {**likely, text: 0.0 if logprob is None else float(logprob)})


def _likelihood(token: Token, before: str) -> float:
    """Return how likely true was against false in the place of a token, which has some characters before the value."""
    sides = {"true": 0.0, "false": 0.0}
    for text, logprob in token.likely.items():
        rest = text[len(before) :] if text.startswith(before) else text.strip().lstrip(':"').strip()
        word = re.match(r"\s*([a-z]*)", rest.lower())
        letters = word[1] if word else ""
        for side in sides:
            if letters and (side.startswith(letters) or letters.startswith(side)):
                sides[side] += math.exp(logprob)
    if not min(sides.values()):  # the other side is none of those listed: it has at most what they leave
        left = max(1 - sum(math.exp(logprob) for logprob in token.likely.values()), 1e-6)
        sides = {side: likelihood or left for side, likelihood in sides.items()}
    return sides["true"] / (sides["true"] + sides["false"])
