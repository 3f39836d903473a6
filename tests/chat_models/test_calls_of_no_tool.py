"""Answers that are a call of no tool are no last word, and talk is one."""

import pytest

from imagerag.chat_models.calls_of_no_tool import call_of_no_tool


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"name": "genrate", "arguments": {}}', "names none of the tools"),
        ('[{"name": "genrate", "arguments": {}}]', "names none of the tools"),
        ('{"type": "function", "name": "gen', "has no end"),
        (r"{\"action\": \"paint\", \"input\": {}}", "a name is missing"),
        ('genrate(prompt="an owl")', "the call of 'genrate' names none"),
        ('[genrate(prompt="an owl", seed=7)]', "the call of 'genrate' names none"),
        ('default_api.paint("an owl")', "the call of 'default_api.paint' names none"),
        ('```tool_code\nprint(api.paint(prompt="an owl"))\n```', "the call of 'api.paint' names none"),
        ("<paint><prompt>an owl</prompt></paint>", "the element <paint> is no call"),
    ],
)
def test_a_call_of_no_tool(text: str, why: str) -> None:
    assert why in (call_of_no_tool(text) or "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "image-2 is the best (of all)",
        "The owl (score 0.9) is drawn.",
        '{"answer": "an owl is drawn"}',
        '[{"final_answer": "done", "reason": "it fits"}]',
        '{"score": 0.9} is what the critic says',
        "<p>The owl is drawn.</p>",
        "Done (see image-2)",
        "done()",
    ],
)
def test_talk_is_none(text: str) -> None:
    assert call_of_no_tool(text) is None
