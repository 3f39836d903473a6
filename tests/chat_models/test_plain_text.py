"""Conversations in plain turns, for models that take no tools."""

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from imagerag.chat_models.plain_text import as_plain_turns
from imagerag.chat_models.tool_call_parser import read_calls


def test_turns_alternate_and_calls_are_written_as_they_are_read() -> None:
    call = {"name": "generate", "args": {"prompt": "an owl"}, "id": "1", "type": "tool_call"}
    tool = {"type": "function", "function": {"name": "generate", "description": "Draws.", "parameters": {}}}
    turns = as_plain_turns(
        [
            SystemMessage("You draw."),
            HumanMessage("an owl"),
            AIMessage("I draw.", tool_calls=[call]),
            ToolMessage("image-1", tool_call_id="1", name="generate"),
            HumanMessage("go on"),
        ],
        [tool],
    )
    assert [turn.type for turn in turns] == ["human", "ai", "human"]
    assert "You draw." in turns[0].text
    assert "generate" in turns[0].text
    reading = read_calls(turns[1].text, {"generate": {"prompt"}})
    assert [(read["name"], read["args"]) for read in reading.calls] == [("generate", {"prompt": "an owl"})]
    assert "image-1" in turns[2].text
    assert turns[2].text.endswith("go on")


def test_images_stay_among_the_words() -> None:
    block = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    (turn,) = as_plain_turns([HumanMessage([{"type": "text", "text": "this:"}, block])], [])
    assert turn.content == [{"type": "text", "text": "this:"}, block]
