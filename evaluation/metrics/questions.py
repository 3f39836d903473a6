"""The question that a concept is, and the answers that mean that it is there.

As in Soft-TIFA (Kamath et al. 2025, arXiv 2512.16853, and evaluation.py of its repository): counts are asked for as
numbers, and all else is answered with yes.
"""

from __future__ import annotations

from typing import NamedTuple, assert_never

from imagerag.evaluation.records import Concept
from imagerag.prompt_grammar.vocabulary import NUMBERS

ONE_WORD = "Answer in one word."
YES, NO = ("yes",), ("no",)
NONE = ("0", "zero", "none", "no")
PLACES = {"left of": "to the left of", "right of": "to the right of"}
"""Relations of which the records have fewer words than a question."""


class Asked(NamedTuple):
    """A question.

    Attributes:
        text: with how it is to be answered.
        accepted: the answers that mean that the concept is there, in small letters.
    """

    text: str
    accepted: tuple[str, ...]


def question_about(concept: Concept) -> Asked:
    """Return what is asked of a concept."""
    if concept.question:
        return Asked(f"{concept.question} {ONE_WORD}", YES)
    text, accepted = _made(concept)
    return Asked(f"{text} {ONE_WORD}", accepted)


def _made(concept: Concept) -> tuple[str, tuple[str, ...]]:
    thing = concept.thing or concept.text
    match concept.kind:
        case "count":
            return f"How many {thing} are in the image?", _numbers(concept.value)
        case "colour":
            return f"Is the {thing} {concept.value}?", YES
        case "relation":
            return f"Is the {thing} {PLACES.get(concept.value, concept.value)} the {concept.other}?", YES
        case "absence":
            return f"Is there any {thing} in the image?", NO
        case "style":
            return f"Is the image in this style: {concept.text}?", YES
        case "text":
            return f'Does the image have the text "{concept.value}" in it?', YES
        case "fact":
            return f"Is this true of the image: {concept.text!r}?", YES
        case "thing":
            return f"Does the image show this: {concept.text}?", YES
    assert_never(concept.kind)


def _numbers(value: str) -> tuple[str, ...]:
    number = int(value) if value.isdigit() else -1
    if number == 0:
        return NONE
    return (value, NUMBERS[number]) if 0 < number < len(NUMBERS) else (value.lower(),)
