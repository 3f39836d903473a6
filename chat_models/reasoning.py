"""What a model thinks to itself before it answers: told apart from the answer while that is written."""

import json
import re
from typing import NamedTuple

PAIRS = (
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<unused94>thought", "<unused95>"),
)
"""Marks around a thought, in capitals or not: of Qwen, DeepSeek, GLM and SmolLM; of Mistral; of Gemma 4; of gpt-oss; of
models taught by prompts; of Seed-OSS; of LongCat; of Kimi-VL; of Command A; of Sky-T1; of MedGemma."""

_OPENING = tuple(opening for opening, _ in PAIRS)
_CLOSING = tuple(closing for _, closing in PAIRS)
_ENDS_MORE = "<|end|>"
"""Ends messages of any kind, so that by itself it does not tell that a thought went before it."""

_UNMARKED = re.compile(r"\A\s*analysis\b.*assistant(?=final|commentary)", re.DOTALL)
"""A thought of gpt-oss whose marks a server has taken out as special tokens."""

THOUGHTS = "thoughts_told_apart"
"""Key of a message's additional data under which thoughts are kept that a server told in a field of its own."""

OBJECTS_TRIED = 50
"""Objects before a mark that are looked at, to tell whether the mark stands in a string of theirs."""


def _one_of(marks: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, marks)), re.IGNORECASE)


_OPENS = _one_of(_OPENING)
_CLOSES = _one_of(_CLOSING)
_EITHER = _one_of((*_OPENING, *_CLOSING))


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
            marks = _CLOSES if self.thinking else _EITHER  # a stray end is no part of an answer
            mark = marks.search(text)
            held = 0 if last else _begun(text, _CLOSING if self.thinking else (*_OPENING, *_CLOSING))
            before = text[: mark.start()] if mark else text[: len(text) - held]
            if self.thinking:
                thought += before
            else:
                said += before
            if not mark:
                self._held = text[len(before) :]
                return Part(said, thought)
            self.thinking = _OPENS.fullmatch(mark[0]) is not None
            text = text[mark.end() :]


def _begun(text: str, marks: tuple[str, ...]) -> int:
    """Return how many characters at the end of a text may be the beginning of a mark."""
    end = text[-max(map(len, marks)) :].lower()
    return max(
        (size for mark in marks for size in range(1, len(mark)) if end.endswith(mark[:size].lower())),
        default=0,
    )


def without_reasoning(text: str) -> str:
    """Return a whole answer without what was thought; one that ends in mid-thought says nothing from there on.

    Before a stray end of a thought, whose beginning a template or a server has left out, everything was thought, unless
    nothing stands behind it. Marks in the strings of a JSON object are the words of that string.
    """
    text = _UNMARKED.sub("", text)
    said, at, begin, thinking = "", 0, 0, False
    while mark := (_CLOSES if thinking else _EITHER).search(text, at):
        at = mark.end()
        if thinking:
            begin, thinking = at, False
        elif _in_a_string(text, begin, mark.start()):
            continue
        else:
            said += text[begin : mark.start()]
            begin, thinking = at, _OPENS.fullmatch(mark[0]) is not None
            if not thinking and mark[0] != _ENDS_MORE and text[at:].strip():
                said = ""
    return said if thinking else said + text[begin:]


def _in_a_string(text: str, begin: int, at: int) -> bool:
    """Tell whether a place lies within a JSON object that begins after ``begin``."""
    decoder = json.JSONDecoder()
    for _ in range(OBJECTS_TRIED):
        start = text.find("{", begin, at)
        if start < 0:
            return False
        try:
            _, begin = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            begin = start + 1
        if begin > at:
            return True
    return False
