"""What a model thinks to itself before it answers: told apart from the answer while that is written."""

import json
import re
from contextlib import suppress
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
OBJECTS_READ = 500
"""Objects of one answer that are read for that: each may be as long as the answer."""


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
_GOES_ON = re.compile(r"(?=\{|<\w|\w\()")
"""Shows that what stands behind a stray mark is an answer, and no farewell."""

_SOMETHING = re.compile(r"\S")


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
        text, said, thought, at = self._held + piece, "", "", 0
        while True:
            marks = _CLOSES if self.thinking else _EITHER  # a stray end is no part of an answer
            mark = marks.search(text, at)
            if mark:
                end = mark.start()
            else:
                held = 0 if last else _begun(text[at:], _CLOSING if self.thinking else (*_OPENING, *_CLOSING))
                end = len(text) - held
            if self.thinking:
                thought += text[at:end]
            else:
                said += text[at:end]
            if not mark:
                self._held = text[end:]
                return Part(said, thought)
            self.thinking = _OPENS.fullmatch(mark[0]) is not None
            at = mark.end()


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
    objects, goes_on_at = _Objects(text), max((found.start() for found in _GOES_ON.finditer(text)), default=-1)
    said, at, begin, thinking, answered = "", 0, 0, False, False
    while mark := (_CLOSES if thinking else _EITHER).search(text, at):
        at = mark.end()
        if thinking:
            begin, thinking = at, False
        elif objects.hold(begin, mark.start()):
            continue
        else:
            said += text[begin : mark.start()]
            begin, thinking = at, _OPENS.fullmatch(mark[0]) is not None
            if not thinking and mark[0] != _ENDS_MORE and _SOMETHING.search(text, at):
                answered = goes_on_at < at and (answered or bool(objects_in(said)))
                said = said if answered else ""
    return said if thinking else said + text[begin:]


class _Objects:
    """The JSON objects in a text, each read once: an answer may have thousands of marks.

    Args:
        text: the answer.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends: dict[int, int] = {}
        self._decoder = json.JSONDecoder()

    def hold(self, begin: int, at: int) -> bool:
        """Tell whether a place lies within an object that begins after ``begin``."""
        for _ in range(OBJECTS_TRIED):
            start = self._text.find("{", begin, at)
            if start < 0:
                return False
            begin = self._end(start)
            if begin > at:
                return True
        return False

    def _end(self, start: int) -> int:
        """Return where the object that begins at ``start`` ends; one place behind, if none begins there."""
        if start not in self._ends:
            end = start + 1
            if len(self._ends) < OBJECTS_READ:
                with suppress(ValueError, RecursionError):
                    _, end = self._decoder.raw_decode(self._text, start)
            self._ends[start] = end
        return self._ends[start]
