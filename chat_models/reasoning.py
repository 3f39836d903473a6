"""What a model thinks to itself before it answers: told apart from the answer while that is written."""

import json
import re
from typing import NamedTuple

from imagerag.chat_models.lenient_json import objects_in

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
    ("<|think|>", "<|/think|>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<reflection>", "</reflection>"),
    ("<analysis>", "</analysis>"),
    ("<thoughts>", "</thoughts>"),
    ("<reason>", "</reason>"),
    ("<inner_monologue>", "</inner_monologue>"),
)
"""Marks around a thought, in capitals or not: of Qwen, DeepSeek, GLM and SmolLM; of Mistral; of Gemma 4; of gpt-oss; of
models taught by prompts; of Seed-OSS; of LongCat; of Kimi-VL; of Command A; of Sky-T1; of MedGemma; of
Solar; and again of models taught by prompts. Models write gaps into elements, as in ``<think >``: ``THOUGHT`` finds
those too."""

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


_ELEMENT = re.compile(r"<(/?)([\w:]+)>")
_LONGEST_GAP = 3
"""Spaces in a row within an element."""
_MOST_GAPS = 3 * _LONGEST_GAP


def _with_gaps(mark: str) -> str:
    """Return a pattern for a mark that, where it is an element, may have gaps in it."""
    if not (element := _ELEMENT.fullmatch(mark)):
        return re.escape(mark)
    gap = rf"\s{{0,{_LONGEST_GAP}}}"
    return rf"<{gap}{element[1]}{gap if element[1] else ''}{re.escape(element[2])}{gap}>"


def _one_of(marks: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_with_gaps, marks)), re.IGNORECASE)


_OPENS = _one_of(_OPENING)
_CLOSES = _one_of(_CLOSING)
_EITHER = _one_of((*_OPENING, *_CLOSING))
THOUGHT = _EITHER
"""The marks around a thought."""
_ELEMENTS = tuple(mark for mark in (*_OPENING, *_CLOSING) if _ELEMENT.fullmatch(mark))
_GOES_ON = re.compile(r"\{|<\w|\w\(")
"""Shows that what stands behind a stray mark is an answer, and no farewell."""


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
    longest = max(map(len, marks))
    end = text[-longest:].lower()
    begun = max(
        (size for mark in marks for size in range(1, len(mark)) if end.endswith(mark[:size].lower())),
        default=0,
    )
    tail = text[text.rfind("<", max(len(text) - longest - _MOST_GAPS, 0)) :].lower() if "<" in text else ""
    without_gaps = "".join(tail.split())
    element = tail.startswith("<") and any(mark.startswith(without_gaps) for mark in marks if mark in _ELEMENTS)
    return max(begun, len(tail)) if element else begun


def without_reasoning(text: str) -> str:
    """Return a whole answer without what was thought; one that ends in mid-thought says nothing from there on.

    Before a stray end of a thought, whose beginning a template or a server has left out, everything was thought, unless
    nothing stands behind it, or only talk while an object stands before it: that is the answer.
    Marks in the strings of a JSON object are the words of that string.
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
                said = said if objects_in(said) and not _GOES_ON.search(text, at) else ""
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
