"""Why answers ended, as each provider words it."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from imagerag.chat_models.endings import finish_reason, unsound_ending, was_cut_off


@pytest.mark.parametrize(
    ("told", "reason", "words"),
    [
        ({"finish_reason": "stop"}, "stop", None),
        ({"stop_reason": "end_turn"}, "end_turn", None),
        ({}, "", None),
        ({"finish_reason": None}, "", None),
        ({"finish_reason": "length"}, "length", "cut off"),
        ({"stop_reason": "max_tokens"}, "max_tokens", "cut off"),
        ({"done_reason": "length"}, "length", "cut off"),
        ({"finish_reason": "content_filter"}, "content_filter", "withheld"),
        ({"stop_reason": "refusal"}, "refusal", "withheld"),
        ({"finish_reason": "MALFORMED_FUNCTION_CALL"}, "malformed_function_call", "can't read"),
        ({"finish_reason": "FinishReason.SAFETY"}, "safety", "withheld"),
        ({"finish_reason": "error"}, "error", "broke it off"),
    ],
)
def test_the_reason_is_read_whatever_its_key_and_spelling(told: dict[str, Any], reason: str, words: str | None) -> None:
    message = AIMessage("", response_metadata=told)
    assert finish_reason(message) == reason
    said = unsound_ending(message)
    assert said is None if words is None else words in (said or "")
    assert was_cut_off(message) is (words in ("cut off", "broke it off"))
