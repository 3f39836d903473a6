"""The shape of a verdict."""

from typing import Any

import pytest
from pydantic import ValidationError

from imagerag.agent.judgement import (
    DetailAnswers,
    DetailQuestion,
    Judgement,
    Question,
    answers_shape,
    likelihood,
    question_of,
    settled_shape,
)


def entry(concept: str, present: bool = True, **details: str) -> dict[str, Any]:
    told = [{"kind": kind, "asked": asked} for kind, asked in details.items()]
    return {"concept": concept, "present": present, "confidence": 1, "details": told}


def judged(*entries: dict[str, Any], matches: bool) -> dict[str, Any]:
    return {"concepts": list(entries), "matches": matches}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (judged(entry("a"), entry("A"), matches=True), "judged twice"),
        (judged(entry("a", False), matches=True), "'a' is absent"),
        (judged(entry("a"), matches=False), "does not match"),
        (judged(matches=True), "at least 1 item"),
        (judged(*(entry(f"c{n}") for n in range(13)), matches=True), "at most 12 items"),
    ],
)
def test_a_verdict_that_contradicts_itself_or_is_out_of_range_is_refused(value: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Judgement.model_validate(value)


def test_all_may_be_there_and_yet_not_match_where_more_is_asked() -> None:
    assert Judgement.model_validate(judged(entry("owl", count="three owls"), matches=False))
    shape = settled_shape((Question("owl", (DetailQuestion("count", "three owls"),)),))
    assert shape.model_validate(judged(entry("owl"), matches=False))


def test_a_first_verdict_settles_its_questions() -> None:
    value = judged(entry(" owl ", count=" three ", colour="white", place="Three"), entry("cat"), matches=True)
    assert [question_of(seen) for seen in Judgement.model_validate(value).concepts] == [
        Question("owl", (DetailQuestion("count", "three"), DetailQuestion("colour", "white"))),
        Question("cat"),
    ]


def test_settled_questions_have_to_be_answered_and_no_others() -> None:
    shape = settled_shape((Question("owl"), Question("cat")))
    assert shape.model_validate(judged(entry("Cat"), entry("owl"), matches=True))
    with pytest.raises(ValidationError, match="exactly 'owl', 'cat'"):
        shape.model_validate(judged(entry("owl"), matches=True))
    assert settled_shape(()) is Judgement


@pytest.mark.parametrize("numbers", [[1], [1, 2, 2], [1, 3], [1, 2, 3]])
def test_each_numbered_question_is_answered_once(numbers: list[int]) -> None:
    def answers(*given: int) -> dict[str, Any]:
        return {"answers": [{"number": number, "holds": True, "confidence": 1} for number in given]}

    shape = answers_shape(2)
    assert issubclass(shape, DetailAnswers)
    assert shape.model_validate(answers(2, 1))
    with pytest.raises(ValidationError, match="exactly those to questions 1 to 2, each once"):
        shape.model_validate(answers(*numbers))


def test_how_sure_somebody_is_becomes_a_probability() -> None:
    assert [likelihood(True, 1), likelihood(True, 0), likelihood(False, 0), likelihood(False, 1)] == [1, 0.5, 0.5, 0]
