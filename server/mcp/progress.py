"""How far a run has come, as numbers for MCP's progress notifications, and in words."""

from collections.abc import Mapping
from typing import Any

from imagerag.graphs.events import progress_text

LITTLE = 0.01
"""What an event counts that is no denoising step: the protocol wants each notification to tell more than the last."""


class Progress:
    """Counts the denoising steps of a run's drawings. The total is what its budget allows; fewer drawings may do.

    Args:
        generations: batches that may be drawn.

    Attributes:
        heard: events taken in, without the steps and previews of drawings, which no run tells again.
    """

    def __init__(self, generations: int) -> None:
        self._left = max(generations, 1)
        self._before = 0
        self._step, self._steps = 0, 0
        self._done = 0.0
        self._total: float | None = None
        self.heard = 0

    def after(self, event: Mapping[str, Any]) -> tuple[float, float | None]:
        """Take an event in; returns how much is done and, once a drawing has told its steps, of how much.

        What is done rises with each event; the total never falls, and is never less than what is done.
        """
        if event["event"] not in ("progress", "preview", ""):
            self.heard += 1
        reached = 0.0
        if event["event"] == "progress" and event["what"] == "drawing" and event["total"] > 0:
            reached = self._take_step(event["done"], event["total"])
        elif event["event"] == "images":
            self._before, self._step, self._steps = self._before + self._steps, 0, 0
            self._left = max(self._left - 1, 1)
            reached = self._before
        self._done = max(reached, round(self._done + LITTLE, 2))
        if self._total is not None:
            self._total = max(self._total, self._done)
        return self._done, self._total

    def _take_step(self, step: int, steps: int) -> float:
        if step < self._step:  # the next candidate, or the next sampler of a workflow, of the same drawing
            self._before += self._steps
        self._step, self._steps = step, steps
        self._total = max(self._total or 0.0, float(self._before + self._left * steps))
        return float(self._before + step)


def words(event: Mapping[str, Any]) -> str:
    """Return an event in words; empty for one that a client is not told."""
    match event["event"]:
        case "progress":
            return progress_text(event)
        case "images":
            return f"drawn: {', '.join(record['id'] for record in event['images'])}"
        case "verdict":
            missing = ", ".join(event["verdict"]["missing"]) or "nothing"
            return f"{event['image']['id']} scores {event['verdict']['score']:.2f}; missing: {missing}"
        case "captions":
            return f"looking up {', '.join(event['captions'])}"
        case "references":
            return f"found {len(event['references'])} references"
        case "note":
            return str(event["text"])
        case _:
            return ""


def waiting(ahead: int) -> str:
    """Return in words that a run waits for others, or, if for none, that it goes on."""
    if not ahead:
        return "still working"
    return "1 request comes first" if ahead == 1 else f"{ahead} requests come first"
