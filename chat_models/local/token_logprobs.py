"""Log-probabilities of the tokens that a local model writes, in the form in which OpenAI's protocol tells them."""

from __future__ import annotations

from typing import Any

import torch


class TopLogprobs:
    """A logits processor of transformers that changes nothing and remembers the likeliest tokens of each step.

    Placed behind one that holds the answer to a grammar, it tells the likelihoods among the tokens allowed.

    Args:
        count: tokens remembered of each step.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._steps: list[tuple[list[int], list[float]]] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Remember (1, vocabulary) scores and return them as they are."""
        likely = torch.log_softmax(scores[0].float(), dim=-1).topk(min(self._count, scores.shape[-1]))
        self._steps.append((likely.indices.tolist(), likely.values.tolist()))
        return scores

    def told(self, written: torch.Tensor, tokenizer: Any) -> list[dict[str, Any]]:
        """Return for each token written its text, its log-probability and the likeliest alternatives.

        Args:
            written: (n,) ids of the tokens, as many as there were steps.
            tokenizer: decodes them.
        """
        tokens = []
        for token, (ids, values) in zip(written.tolist(), self._steps, strict=False):
            likely = {one: value for one, value in zip(ids, values, strict=True) if value > float("-inf")}
            listed = [{"token": tokenizer.decode([one]), "logprob": value} for one, value in likely.items()]
            # A token that is none of the likeliest was written against the scores, as a forced ending is.
            chosen = likely.get(token, float("-inf"))
            tokens.append({"token": tokenizer.decode([token]), "logprob": chosen, "top_logprobs": listed})
        return tokens
