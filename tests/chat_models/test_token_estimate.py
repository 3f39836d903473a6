"""How many tokens a question takes, estimated beforehand."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from PIL import Image

from imagerag.chat_models.images import image_block, limit_by_name
from imagerag.chat_models.token_estimate import BYTES_PER_TOKEN, estimate


@pytest.mark.parametrize("text", ["an owl " * 50, "\u732b" * 100])
def test_words_count_by_their_bytes_and_rather_too_many(text: str) -> None:
    counted = estimate([HumanMessage(text)])
    assert len(text.encode()) // BYTES_PER_TOKEN < counted <= len(text.encode()) // BYTES_PER_TOKEN + 20


def test_an_image_counts_by_its_size() -> None:
    limit = limit_by_name("openai:gpt-5")
    small, large = (image_block(Image.new("RGB", (side, side)), limit) for side in (64, 700))
    plain = estimate([HumanMessage("look")], limit=limit)
    of_small = estimate([HumanMessage([{"type": "text", "text": "look"}, small])], limit=limit)
    of_large = estimate([HumanMessage([{"type": "text", "text": "look"}, large])], limit=limit)
    assert plain < of_small < of_large


def test_calls_and_the_shapes_of_tools_count_too() -> None:
    call = {"name": "generate", "args": {"prompt": "an owl " * 30}, "id": "1", "type": "tool_call"}
    with_call = estimate([AIMessage("", tool_calls=[call])])  # type: ignore[list-item]
    assert with_call > estimate([AIMessage("")]) + 40
    assert (
        estimate([HumanMessage("look")], shapes="{" * 400) >= estimate([HumanMessage("look")]) + 400 // BYTES_PER_TOKEN
    )
