"""Talk about calls is talk; a call that was left unfilled is none to run."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from imagerag.chat_models.answer_reading import AnswerReader
from imagerag.chat_models.call_templates import is_placeholder, without_templates, words_follow
from imagerag.tools.builtin import make_tools

READER = AnswerReader([convert_to_openai_tool(tool) for tool in make_tools()])


def call(prompt: str) -> str:
    return f'{{"name": "generate", "arguments": {{"prompt": "{prompt}"}}}}'


@pytest.mark.parametrize(
    "text",
    [
        "I could generate an {x} next.",
        "I can generate an {animal} in {style}",
        "generate an {x}",
        "To generate a {colour} owl, say which.",
        "Use generate {prompt} for that.",
        "You could say generate {x}, and I draw it.",
        "I called generate() twice; image-2 is the best.",
        "With generate(prompt) a picture is drawn, with inspect_image(image_id) it is looked at.",
        "The owl is done. Next time: generate(...) can draw it bigger.",
        'A template: "generate an {x} on a {y}".',
        f"You can use {call('{x}')} to draw.",
        f"For example {call('...')} would draw it.",
        "I would generate a picture with {your prompt here}, but image-1 matches.",
        "Tool `generate` takes {prompt}.",
    ],
)
def test_a_template_in_a_sentence_is_talk(text: str) -> None:
    reading = READER.read(AIMessage(text))
    assert (reading.message.tool_calls, reading.unsound) == ([], None)


@pytest.mark.parametrize(
    "text",
    [
        "generate {an owl}",
        "generate {x}",
        "generate {prompt: an owl}",
        "generate {",
        "Sure: generate(",
        "generate(prompt=an owl)",
        "Sure. generate(an owl)",
        "generate({x})",
        'generate with {"prompt": an owl}',
        f"Sure, I draw that: {call('{x}')}",
        f"Sure, I draw that: {call('your {x} here')[:-2]}",
        call("<prompt>"),
        f"<tool_call>{call('<prompt>')}</tool_call>",
        "<tool_call><function=generate><parameter=prompt>{prompt}</parameter></function></tool_call>",
        'generate(prompt="...")',
    ],
)
def test_a_call_that_was_left_unfilled_is_neither_run_nor_the_last_word(text: str) -> None:
    reading = READER.read(AIMessage(text, response_metadata={"finish_reason": "stop"}))
    prompts: list[Any] = [one["args"].get("prompt") for one in reading.message.tool_calls]
    assert not any(map(is_placeholder, prompts)), prompts
    assert reading.unsound is not None or prompts == ["your {x} here"]


@pytest.mark.parametrize(
    "value", ["{x}", "{{ prompt }}", "<prompt>", "<your prompt here>", "[prompt]", "...", "…", "$x"]
)
def test_placeholders(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", ["an {x}", "<b>owl</b>", "owl", "[an owl:1.2]", "", None, 3])
def test_other_values(value: object) -> None:
    assert not is_placeholder(value)


def test_what_stands_right_behind_a_name_is_left_where_nothing_follows() -> None:
    assert without_templates("draw {it}: generate {x}", ["generate"]) == "draw : generate {x}"
    assert without_templates("generate {x}, then", ["generate"]) == "generate , then"
    assert words_follow("a b", 1)
    assert not words_follow("a", 1)
