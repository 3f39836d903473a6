"""How likely yes was, read off the tokens of an answer."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from imagerag.chat_models.images import TAG
from imagerag.chat_models.logprobs import asking_for_logprobs, probabilities_of_yes


def token(text: str, **alternatives: float) -> dict[str, Any]:
    listed = [{"token": name.replace("_", " "), "logprob": math.log(p)} for name, p in alternatives.items()]
    chosen = next((one["logprob"] for one in listed if one["token"] == text), 0.0)
    return {"token": text, "logprob": chosen, "top_logprobs": listed}


def answer(*tokens: dict[str, Any]) -> AIMessage:
    return AIMessage("", response_metadata={"logprobs": {"content": list(tokens)}})


def test_each_field_has_its_own_likelihood() -> None:
    reply = answer(
        token('[{"present":'), token(" true", _true=0.9, _false=0.1), token(', "holds"'), token(":"),
        token("false", false=0.6, true=0.2), token('}, {"present": '), token("false", false=0.75, true=0.25),
    )  # fmt: skip
    assert probabilities_of_yes(reply, "present") == pytest.approx([0.9, 0.25])
    assert probabilities_of_yes(reply, "holds") == pytest.approx([0.25])


def test_a_token_may_have_more_than_the_value_or_only_its_beginning() -> None:
    whole = answer(token('{"present'), token('":true', **{'":true': 0.8, '":false': 0.2}))
    assert probabilities_of_yes(whole, "present") == pytest.approx([0.8])
    begun = answer(token('{"present": '), token("tr", tr=0.7, fal=0.3), token("ue"))
    assert probabilities_of_yes(begun, "present") == pytest.approx([0.7])


def test_where_the_other_side_is_not_listed_it_has_what_the_listed_ones_leave() -> None:
    (likely,) = probabilities_of_yes(answer(token('{"present": '), token("true", true=0.99)), "present") or [0.0]
    assert likely == pytest.approx(0.99)


LISTED = [token('{"present": '), token("true", true=0.75, false=0.25)]
GOOGLES = {
    "chosen_candidates": [{"token": one["token"], "log_probability": one["logprob"]} for one in LISTED],
    "top_candidates": [
        {"candidates": [{"token": o["token"], "log_probability": o["logprob"]} for o in one["top_logprobs"]] or None}
        for one in LISTED
    ],
}
OLDER = {
    "content": None,
    "tokens": [one["token"] for one in LISTED],
    "token_logprobs": [None, LISTED[1]["logprob"]],
    "top_logprobs": [None, {other["token"]: other["logprob"] for other in LISTED[1]["top_logprobs"]}],
}


@pytest.mark.parametrize(
    ("metadata", "likely"),
    [
        ({"logprobs": {"content": LISTED}}, 0.75),
        ({"logprobs": LISTED}, 0.75),
        ({"logprobs": OLDER}, 0.75),
        ({"logprobs": {**OLDER, "top_logprobs": None}}, 0.75),
        ({"logprobs_result": LISTED}, 0.75),
        ({"logprobs_result": GOOGLES}, 0.75),
        ({"logprobs": None, "logprobs_result": {**GOOGLES, "top_candidates": None}}, 0.75),
    ],
    ids=["openai", "ollama", "together", "together, chosen alone", "vertex", "gemini", "gemini, chosen alone"],
)
def test_each_form_in_which_they_are_told_is_read(metadata: dict[str, Any], likely: float) -> None:
    reply = AIMessage("", response_metadata=metadata)
    assert probabilities_of_yes(reply, "present") == pytest.approx([likely])


@pytest.mark.parametrize(
    "metadata",
    [{}, {"logprobs": None}, {"logprobs": {"content": []}}, {"logprobs": {"content": [{"token": 3}]}},
     {"logprobs": {"content": [{"bytes": []}]}}, {"logprobs": {"content": [{"token": "no JSON", "logprob": -1.0}]}},
     {"logprobs": [3]}, {"logprobs": {"tokens": ["a"], "token_logprobs": []}}, {"logprobs_result": {}},
     {"logprobs_result": {"chosen_candidates": [{"token": None, "log_probability": 0}]}}],
)  # fmt: skip
def test_without_log_probabilities_of_that_shape_there_is_none(metadata: dict[str, Any]) -> None:
    assert probabilities_of_yes(AIMessage("", response_metadata=metadata), "present") is None


def test_only_protocols_that_have_them_are_asked() -> None:
    asked = {
        name: asking_for_logprobs(SimpleNamespace(metadata={TAG: name}))  # type: ignore[arg-type]
        for name in ("openai:x@http://h/v1", "azure_openai:x", "fireworks:x", "together:x", "google_genai:x",
                     "transformers:x", "anthropic:x", "mistralai:x", "groq:x", "")
    }  # fmt: skip
    assert [name for name, settings in asked.items() if not settings] == ["anthropic:x", "mistralai:x", "groq:x", ""]
    assert asked["openai:x@http://h/v1"] == {"logprobs": True, "top_logprobs": 5}
    assert asked["fireworks:x"]["top_logprobs"] <= 5, "more is refused"
    assert asked["together:x"] == {"logprobs": 5}
