"""A chat model's server that answers questions about images with the likelihoods that it is told."""

import math
from collections.abc import Callable
from typing import Any

from testing.openai_server import Reply

Likelihoods = dict[str, float]
"""Of answers, each a token of its own."""


def question_in(request: dict[str, Any]) -> str:
    """Return the words of the question that a request puts."""
    content = request["messages"][-1]["content"]
    (text,) = [part["text"] for part in content if part["type"] == "text"]
    return str(text)


def likely(likelihoods: Likelihoods, tells: bool = True) -> Reply:
    """Return the reply of the likeliest answer, with the likelihoods of all, where they are told."""
    listed = [{"token": text, "logprob": math.log(p)} for text, p in likelihoods.items() if p > 0]
    best = max(listed, key=lambda each: float(str(each["logprob"])))
    return Reply(str(best["token"]), logprobs=[{**best, "top_logprobs": listed}] if tells else None)


def judging(likelihoods: Callable[[str], Likelihoods], tells: bool = True) -> Callable[[dict[str, Any], int], Reply]:
    """Return a script that answers each question as that function says."""
    return lambda request, number: likely(likelihoods(question_in(request)), tells)


def by_first_word(question: str) -> Likelihoods:
    """Return how likely a judge holds each answer who heeds nothing but a question's first word."""
    if question.startswith("How many"):
        return {"two": 0.7, "2": 0.1, "One": 0.1, "three": 0.1}
    yes = {"Does": 0.5, "Is": 0.25, "Are": 1.0, "The": 0.75}[question.split()[0]]
    return {"Yes": yes, "No": 1 - yes}
