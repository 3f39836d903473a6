"""What a run learns about the models that it asks, kept from one step to the next and forgotten with the run.

A run is known by the id that its account in the graph's state has (``imagerag.graphs.state.Spent``). State holds ids,
never objects, so the object is found by it; one that was interrupted and goes on in another process learns anew.
"""

import threading
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakKeyDictionary, WeakSet

from cachetools import LRUCache

RUNS_REMEMBERED = 256
PROMPTS_REMEMBERED = 256

Offering = Literal["images", "tools"]
OFFERINGS: tuple[Offering, ...] = ("images", "tools")


@dataclass
class RunMemory:
    """What one run has learned.

    Attributes:
        run: its id; empty for questions that belong to none, which share one memory.
        refused: what the server of the model that decides has refused.
        structured: which way of structured answers each ``StructuredModel`` takes; a place in its ``WAYS``.
        one_image: each ``StructuredModel`` whose server takes one image in a question.
        no_logprobs: each ``StructuredModel`` whose server has refused to tell log-probabilities.
        questions: for each critic, by prompt, what its first verdict has settled, so that later scores compare.
    """

    run: str = ""
    refused: set[Offering] = field(default_factory=set)
    structured: WeakKeyDictionary[object, int] = field(default_factory=WeakKeyDictionary)
    one_image: WeakSet[object] = field(default_factory=WeakSet)
    no_logprobs: WeakSet[object] = field(default_factory=WeakSet)
    questions: WeakKeyDictionary[object, LRUCache[str, Any]] = field(default_factory=WeakKeyDictionary)

    def questions_of(self, critic: object) -> LRUCache[str, Any]:
        """Return what a critic has settled to ask, in its own form, by prompt."""
        return self.questions.setdefault(critic, LRUCache(PROMPTS_REMEMBERED))


_memories: LRUCache[str, RunMemory] = LRUCache(RUNS_REMEMBERED)
_lock = threading.Lock()


def memory_of(run: str) -> RunMemory:
    """Return this process's one memory of a run."""
    with _lock:
        memory = _memories.get(run)
        if memory is None:
            memory = _memories[run] = RunMemory(run)
        return memory
