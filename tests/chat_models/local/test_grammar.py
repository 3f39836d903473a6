"""Answers of local models are held to a schema."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import torch
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, Field

from imagerag.chat_models.local.grammar import SchemaConstraint
from imagerag.chat_models.local.loading import load_local
from imagerag.chat_models.structured import StructuredModel
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from testing import tiny_chat_models as tiny_minds


class Bird(BaseModel):
    """A bird."""

    name: Annotated[str, Field(max_length=12)]
    colours: Annotated[list[Literal["red", "blue"]], Field(min_length=1, max_length=2)]
    flies: bool


@pytest.mark.slow
def test_an_answer_is_held_to_its_schema_even_of_random_weights(model: Any) -> None:
    question = [HumanMessage("Name a bird.")]
    made = StructuredModel(model, "critic")
    with using_meter(UsageMeter()) as meter:
        assert isinstance(made.answer(Bird, question, "bird"), Bird)
    assert (meter.calls, meter.notes) == (1, [])
    assert isinstance(model.with_structured_output(Bird).invoke(question), Bird)
    told = model.with_structured_output(Bird.model_json_schema(), include_raw=True).invoke(question)
    assert told["parsed"] == json.loads(told["raw"].text)


def test_what_is_thought_first_is_free_of_the_schema(tmp_path: Path) -> None:
    template = tiny_minds.TEMPLATE.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
    model = load_local(f"transformers:{tiny_minds.save_words_only(tmp_path / 'thinks', template)}")
    tokenizer = model._processor
    held = SchemaConstraint(tokenizer, Bird.model_json_schema(), 300, (2,), "<think>\n")
    scores = torch.zeros(1, 300)

    def allowed(text: str) -> int:
        return int(torch.isfinite(held(tokenizer([text], return_tensors="pt").input_ids, scores)).sum())

    assert allowed("A bird?") == 300
    assert allowed("A bird? An owl") == 300
    assert allowed("A bird? An owl</think>") < 10
    assert allowed('A bird? An owl</think>{"name": "') > 90
