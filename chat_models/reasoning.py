"""What a model thinks to itself before it answers: told apart from the answer while that is written."""

from typing import NamedTuple

PAIRS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<|channel>thought", "<channel|>"))
"""Marks around a thought: of Qwen, DeepSeek, GLM and SmolLM; of Mistral; of Gemma 4."""

_OPENING = tuple(opening for opening, _ in PAIRS)
_CLOSING = tuple(closing for _, closing in PAIRS)


class Part(NamedTuple):
    """A piece of an answer, parted."""

    said: str
    thought: str


class ReasoningFilter:
    """Parts an answer that comes in pieces; marks that come in pieces, too, are held back until they are whole.

    Args:
        prompt: as the model was given it; some templates end with the opening mark, and the answer begins as a thought.

    Attributes:
        thinking: whether the answer so far ends within a thought.
    """

    def __init__(self, prompt: str = "") -> None:
        self.thinking = prompt.rstrip().endswith(_OPENING)
        self._held = ""

    def part(self, piece: str, last: bool = False) -> Part:
        """Return what this piece has settled of the answer; all that was held back, too, with ``last``."""
        text, said, thought = self._held + piece, "", ""
        while True:
            marks = _CLOSING if self.thinking else (*_OPENING, *_CLOSING)  # a stray end is no part of an answer
            at, mark = min(((at, mark) for mark in marks if (at := text.find(mark)) >= 0), default=(-1, ""))
            before = text[:at] if mark else text[: len(text) - (0 if last else _begun(text, marks))]
            if self.thinking:
                thought += before
            else:
                said += before
            if not mark:
                self._held = text[len(before) :]
                return Part(said, thought)
            self.thinking = mark in _OPENING
            text = text[at + len(mark) :]


def _begun(text: str, marks: tuple[str, ...]) -> int:
    """Return how many characters at the end of a text may be the beginning of a mark."""
    return max(
        (size for mark in marks for size in range(1, len(mark)) if text.endswith(mark[:size])),
        default=0,
    )


def without_reasoning(text: str) -> str:
    """Return an answer without what was thought; an answer that ends in mid-thought says nothing from there on."""
    for closing in _CLOSING:  # whatever a template or a server has left out of the beginning
        head, mark, rest = text.rpartition(closing)
        if mark and not any(opening in head for opening in _OPENING):
            text = rest
    return ReasoningFilter().part(text, last=True).said
