"""The rows of a batch in which a local model answers several conversations at once."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from typing import Any

import torch
from transformers import StoppingCriteria

LARGEST_BATCH = 8
"""Conversations answered at once: each has an image, whose tokens take memory until all have ended."""


class RowProcessors:
    """Logits processors of transformers that see one row each; a row that has ended is left as it is.

    Args:
        rows: what processes each row, in order.
        endings: tokens with which an answer ends.
    """

    def __init__(self, rows: Sequence[Sequence[Any]], endings: Collection[int]) -> None:
        self._rows = rows
        self._endings = frozenset(endings)
        self._ended = [False] * len(rows)
        self._begun = False

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return (rows, vocabulary) scores, each row as its processors leave it."""
        processed = []
        for row, processors in enumerate(self._rows):
            one = scores[row : row + 1]
            self._ended[row] |= self._begun and int(ids[row, -1]) in self._endings
            if not self._ended[row]:
                for processor in processors:
                    one = processor(ids[row : row + 1], one)
            processed.append(one)
        self._begun = True
        return torch.cat(processed)


class HungUp(StoppingCriteria):
    """Ends an answer once nobody waits for it any more.

    Args:
        hung_up: set by whoever waited.
    """

    def __init__(self, hung_up: threading.Event) -> None:
        self._hung_up = hung_up

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """Return for each row whether it has to end."""
        return torch.full((input_ids.shape[0],), self._hung_up.is_set(), dtype=torch.bool, device=input_ids.device)


def written(row: torch.Tensor, endings: Collection[int]) -> torch.Tensor:
    """Return (n,) of a row's new tokens those up to its ending, which is one of them; padding follows."""
    ended = [at for at, token in enumerate(row.tolist()) if token in endings]
    return row[: ended[0] + 1] if ended else row
