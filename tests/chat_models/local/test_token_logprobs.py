"""What a local model tells of the tokens that it writes."""

from typing import Any

import pytest
import torch
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from imagerag.chat_models.local.token_logprobs import TopLogprobs
from imagerag.chat_models.logprobs import probabilities_of_yes
from imagerag.chat_models.structured import StructuredModel
from imagerag.chat_models.usage_meter import UsageMeter, using_meter


class There(BaseModel):
    """Whether something is there."""

    present: bool


class Letters:
    """A tokenizer of one letter a token."""

    def decode(self, ids: list[int]) -> str:
        return "".join("abc"[one] for one in ids)


def test_each_token_has_its_own_and_the_likeliest_alternatives() -> None:
    likely = TopLogprobs(2)
    scores = torch.log(torch.tensor([[0.2, 0.7, 0.1]]))
    assert likely(torch.zeros(1, 1), scores) is scores
    likely(torch.zeros(1, 2), torch.log(torch.tensor([[0.5, 0.0, 0.5]])))
    first, second = likely.told(torch.tensor([1, 2]), Letters())
    assert (first["token"], first["logprob"]) == ("b", pytest.approx(-0.3567, abs=1e-3))
    assert [one["token"] for one in first["top_logprobs"]] == ["b", "a"]
    assert {one["token"] for one in second["top_logprobs"]} == {"a", "c"}, "none that the grammar forbids"


def test_a_local_checkpoint_tells_how_likely_its_yes_was(model: Any) -> None:
    asked = StructuredModel(model, "critic", logprobs=True)
    with using_meter(UsageMeter()):
        answer, reply = asked.answer_with_reply(There, [HumanMessage("Is there an owl?")], "verdict")
    assert isinstance(reply, AIMessage)
    (likely,) = probabilities_of_yes(reply, "present") or [None]
    assert likely is not None
    assert (likely >= 0.5) == answer.present, "greedy: the likelier one was written"
    assert 0 < likely < 1


def test_nobody_who_does_not_ask_is_told(model: Any) -> None:
    assert "logprobs" not in model.invoke([HumanMessage("An owl?")], max_tokens=4).response_metadata
