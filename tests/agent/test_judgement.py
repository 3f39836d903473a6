"""The shape of a verdict."""

from typing import Any

import pytest
from pydantic import ValidationError

from imagerag.agent.judgement import Judgement, Question, likelihood, question_of, settled_shape


def entry(concept: str, present: bool = True, **details: bool) -> dict[str, Any]:
    told = [{"kind": "count", "asked": name, "holds": holds, "confidence": 1} for name, holds in details.items()]
    return {"concept": concept, "present": present, "confidence": 1, "details": told}


def judged(*entries: dict[str, Any], matches: bool) -> dict[str, Any]:
    return {"concepts": list(entries), "matches": matches}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (judged(entry("a"), entry("A"), matches=True), "judged twice"),
        (judged(entry("a", two=False), matches=True), "'two' is absent"),
        (judged(entry("a", two=True), matches=False), "does not match"),
        (judged(matches=True), "at least 1 item"),
        (judged(*(entry(f"c{n}") for n in range(13)), matches=True), "at most 12 items"),
    ],
)
def test_a_verdict_that_contradicts_itself_or_is_out_of_range_is_refused(value: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Judgement.model_validate(value)


def test_a_first_verdict_settles_its_questions() -> None:
    verdict = Judgement.model_validate(judged(entry(" owl ", three=True), entry("cat"), matches=True))
    assert [question_of(seen) for seen in verdict.concepts] == [Question("owl", ("three",)), Question("cat")]


def test_settled_questions_have_to_be_answered_and_no_others() -> None:
    shape = settled_shape((Question("owl", ("three",)), Question("cat")))
    assert shape.model_validate(judged(entry("Cat"), entry("owl", Three=True), matches=True))
    assert shape.model_validate(judged(entry("cat"), entry("owl", False), matches=False)), "not asked what is absent"
    for wrong, why in (
        (judged(entry("owl", three=True), matches=True), "exactly 'owl', 'cat'"),
        (judged(entry("owl"), entry("cat"), matches=True), "details of 'owl' have to be exactly: 'three'"),
        (judged(entry("owl", three=True), entry("cat", red=True), matches=True), "of 'cat' have to be exactly: none"),
    ):
        with pytest.raises(ValidationError, match=why):
            shape.model_validate(wrong)
    assert settled_shape(()) is Judgement


def test_how_sure_somebody_is_becomes_a_probability() -> None:
    assert [likelihood(True, 1), likelihood(True, 0), likelihood(False, 0), likelihood(False, 1)] == [1, 0.5, 0.5, 0]
