"""Several conversations that a local model answers in one pass."""

import threading
from typing import Any

import pytest
import torch
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from imagerag.chat_models.local import model as local_model
from imagerag.chat_models.local.rows import HungUp, RowProcessors, written
from imagerag.chat_models.structured import StructuredModel
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.errors import Cancelled
from testing.tiny_chat_models import picture_block

END = 9


class There(BaseModel):
    """Whether something is there."""

    present: bool


class Adding:
    """A logits processor that adds to the scores and remembers the rows that it saw."""

    def __init__(self, value: float) -> None:
        self.value = value
        self.seen: list[list[int]] = []

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self.seen += ids.tolist()
        return scores + self.value


def test_each_row_is_processed_by_its_own_until_it_has_ended() -> None:
    first, second = Adding(1), Adding(10)
    processors = RowProcessors([[first], [second, second]], [END])
    assert processors(torch.tensor([[END], [2]]), torch.zeros(2, 3)).tolist() == [[1] * 3, [20] * 3], (
        "a prompt may end with what ends an answer"
    )
    assert processors(torch.tensor([[END, 4], [2, END]]), torch.zeros(2, 3)).tolist() == [[1] * 3, [0] * 3]
    assert processors(torch.tensor([[END, 4, 5], [2, END, 0]]), torch.zeros(2, 3)).tolist() == [[1] * 3, [0] * 3]
    assert first.seen == [[END], [END, 4], [END, 4, 5]]
    assert second.seen == [[2], [2]]


def test_what_a_row_wrote_goes_to_its_ending() -> None:
    assert written(torch.tensor([3, END, 0, 0]), [END]).tolist() == [3, END]
    assert written(torch.tensor([3, 4]), [END]).tolist() == [3, 4]


def test_all_rows_end_once_nobody_waits() -> None:
    hung_up = threading.Event()
    stopping = HungUp(hung_up)
    assert stopping(torch.zeros(2, 1), None).tolist() == [False, False]
    hung_up.set()
    assert stopping(torch.zeros(2, 1), None).tolist() == [True, True]


def conversations(model: Any) -> list[list[HumanMessage]]:
    pictures: list[list[Any]] = [[picture_block("red")], [picture_block("blue", (20, 60))], []]
    return [
        [
            HumanMessage(
                [{"type": "text", "text": f"What is it?{' And so on' * at}"}, *(shown if model.takes_images else [])]
            )
        ]
        for at, shown in enumerate(pictures)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("schema", [None, There.model_json_schema()], ids=["free", "held"])
def test_the_answers_are_those_that_each_gets_by_itself(model: Any, schema: Any) -> None:
    settings = {
        "max_tokens": 40,
        "logprobs": True,
        "top_logprobs": 3,
        **({"response_schema": schema} if schema else {}),
    }
    alone = [model.invoke(one, **settings) for one in conversations(model)]
    together = model.answer_together(conversations(model), **settings)
    for one, other in zip(alone, together, strict=True):
        assert (other.text, other.usage_metadata) == (one.text, one.usage_metadata)
        assert other.response_metadata["finish_reason"] == one.response_metadata["finish_reason"]
        told, expected = other.response_metadata["logprobs"]["content"], one.response_metadata["logprobs"]["content"]
        assert [token["token"] for token in told] == [token["token"] for token in expected]
        assert [token["logprob"] for token in told] == pytest.approx([token["logprob"] for token in expected], abs=1e-3)


def test_one_pass_answers_all_of_them(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    generate = model._model.generate
    monkeypatch.setattr(model._model, "generate", lambda **g: passes.append(len(g["input_ids"])) or generate(**g))
    asked = StructuredModel(model, "critic", logprobs=True)
    with using_meter(UsageMeter()) as meter:
        given = asked.answer_together(There, conversations(model), "verdict")
        assert passes == [3]
        for one, answer in zip(conversations(model), given, strict=True):
            there, reply = asked.answer_with_reply(There, one, "verdict", answer)
            assert there.present is ("true" in reply.text)
    assert (passes, meter.calls, meter.notes) == ([3], 3, [])
    assert meter.tokens == sum(answer.usage_metadata["total_tokens"] for answer in given)  # type: ignore[index, union-attr]


def test_what_cannot_be_asked_at_once_is_asked_one_after_another(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    generate = model._model.generate

    def too_much(**given: Any) -> Any:
        if len(given["input_ids"]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return generate(**given)

    monkeypatch.setattr(model._model, "generate", too_much)
    asked = StructuredModel(model, "critic")
    with using_meter(UsageMeter()) as meter:
        assert asked.answer_together(There, conversations(model), "verdict") == [None] * 3
        assert asked.answer_with_reply(There, conversations(model)[0], "verdict", None)
    assert meter.notes == ["verdict: asked one after another: OutOfMemoryError: CUDA out of memory"]


def test_a_run_that_is_cancelled_waits_for_no_batch(model: Any) -> None:
    meter = UsageMeter()

    def check() -> None:
        raise Cancelled("enough")

    meter.check_answering = check  # type: ignore[method-assign]
    with using_meter(meter), pytest.raises(Cancelled):
        model.answer_together(conversations(model), max_tokens=local_model.MOST_NEW_TOKENS)
