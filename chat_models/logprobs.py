"""Probabilities of yes and no, read off the log-probabilities that a server or a local model tells with its answer.

Where an answer is JSON, the token that begins a value of true or false has been chosen among alternatives; how likely
both were is a finer answer than the word itself, as in VQAScore (Lin et al. 2024, arXiv 2404.01291), which scores an
image by the probability of "yes".
"""

import math
import re
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from imagerag.chat_models.images import TAG

ALTERNATIVES = 8
"""Tokens told for each place, the chosen one among them: true and false come with and without a space before them."""

TELLING = frozenset({"openai", "openrouter", "together", "fireworks", "deepseek", "xai", "transformers"})
"""Providers whose protocol has ``logprobs`` and ``top_logprobs``; a model of theirs that has none refuses or ignores
them. Servers named by address are asked in OpenAI's protocol."""


def asking_for_logprobs(model: BaseChatModel) -> dict[str, Any]:
    """Return the settings with which a model tells log-probabilities; none for one whose protocol has no such thing."""
    name = str((model.metadata or {}).get(TAG, ""))
    return {"logprobs": True, "top_logprobs": ALTERNATIVES} if name.partition(":")[0] in TELLING else {}


def probabilities_of_yes(answer: AIMessage, field: str) -> list[float] | None:
    """Return for each true or false of that field in a JSON answer, in order, how likely true was, 0..1.

    Returns:
        ``None`` where the answer has no log-probabilities, or they don't fit its text.
    """
    tokens = ((answer.response_metadata or {}).get("logprobs") or {}).get("content")
    if not tokens:
        return None
    try:
        text = "".join(token["token"] for token in tokens)
        begins = [0]
        for token in tokens:
            begins.append(begins[-1] + len(token["token"]))
        found = []
        for match in re.finditer(rf'"{re.escape(field)}"\s*:\s*(true|false)', text):
            # The token in which the first letter of the value lies; it may have a colon, a quote or a space before it.
            at = next(place for place, end in enumerate(begins[1:]) if end > match.start(1))
            before = text[begins[at] : match.start(1)]
            found.append(_likelihood(tokens[at], before))
    except (KeyError, TypeError, ValueError, AttributeError):  # not of OpenAI's shape
        return None
    return found or None


def _likelihood(token: dict[str, Any], before: str) -> float:
    """Return how likely true was against false in the place of a token, which has some characters before the value."""
    listed = {other["token"]: float(other["logprob"]) for other in token.get("top_logprobs") or ()}
    listed[token["token"]] = float(token["logprob"])
    sides = {"true": 0.0, "false": 0.0}
    for text, logprob in listed.items():
        rest = text[len(before) :] if text.startswith(before) else text.strip().lstrip(':"').strip()
        word = re.match(r"\s*([a-z]*)", rest.lower())
        letters = word[1] if word else ""
        for side in sides:
            if letters and (side.startswith(letters) or letters.startswith(side)):
                sides[side] += math.exp(logprob)
    if not min(sides.values()):  # the other side is none of those listed: it has at most what they leave
        left = max(1 - sum(math.exp(logprob) for logprob in listed.values()), 1e-6)
        sides = {side: likelihood or left for side, likelihood in sides.items()}
    return sides["true"] / (sides["true"] + sides["false"])
