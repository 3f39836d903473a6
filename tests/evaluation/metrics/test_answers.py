"""How likely an answer was, read off the word that it begins with."""

import math
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from imagerag.evaluation.metrics.answers import first_word, is_accepted, probability_of


def token(text: str, **alternatives: float) -> dict[str, Any]:
    listed = [{"token": name.replace("_", " "), "logprob": math.log(p)} for name, p in alternatives.items()]
    chosen = next((one["logprob"] for one in listed if one["token"] == text), 0.0)
    return {"token": text, "logprob": chosen, "top_logprobs": listed}


def answer(text: str, *tokens: dict[str, Any]) -> AIMessage:
    return AIMessage(text, response_metadata={"logprobs": {"content": list(tokens)}})


def test_all_spellings_of_an_answer_are_added() -> None:
    reply = answer("Yes", token("Yes", Yes=0.5, yes=0.2, _Yes=0.1, No=0.15, Yesterday=0.05))
    assert probability_of(reply, ("yes",)) == pytest.approx(0.8)
    assert probability_of(reply, ("no",)) == pytest.approx(0.15)


def test_what_is_not_told_counts_as_nothing() -> None:
    assert probability_of(answer("No", token("No", No=0.9, Nope=0.1)), ("yes",)) == 0.0


def test_a_token_may_be_the_beginning_of_a_word() -> None:
    reply = answer("seven", token("se", se=0.6, s=0.2, six=0.1, th=0.1), token("ven"))
    assert probability_of(reply, ("7", "seven")) == pytest.approx(0.6)


def test_numbers_count_as_words_or_digits() -> None:
    reply = answer("4.", token("4", **{"4": 0.6, "four": 0.2, "40": 0.1, "five": 0.1}), token("."))
    assert probability_of(reply, ("4", "four")) == pytest.approx(0.8)


def test_what_stands_before_the_word_is_passed_over() -> None:
    reply = answer('\n"Yes"', token("\n"), token('"'), token("Yes", Yes=0.75, No=0.25), token('"'))
    assert probability_of(reply, ("yes",)) == pytest.approx(0.75)


@pytest.mark.parametrize(
    "reply",
    [
        AIMessage("Yes"),
        answer("Yes"),
        answer("Yes", token("Let", Let=1.0), token(" me")),  # those of thoughts that are not in the answer
        answer("", token("\n")),
    ],
)
def test_without_log_probabilities_of_the_answer_there_is_none(reply: AIMessage) -> None:
    assert probability_of(reply, ("yes",)) is None


def test_the_first_word_counts() -> None:
    assert is_accepted(AIMessage("**Yes**, there are."), ("yes",))
    assert not is_accepted(AIMessage("No, though yes is near"), ("yes",))
    assert first_word(AIMessage("<think>yes?</think>No.")) == "no"
    assert first_word(AIMessage("...")) == ""
