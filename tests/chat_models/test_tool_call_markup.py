"""One call behind its mark; whole answers are in test_tool_call_parser.py."""

import pytest

from imagerag.chat_models.tool_call_markup import MARK, TRACE, Unreadable, calls_after, known_name, values_at

KNOWN = {"generate": {"prompt"}}
CALL = '{"name": "generate", "arguments": {"prompt": "an owl"}}'


def test_a_call_ends_with_its_closing_mark() -> None:
    text = f"<tool_call>{CALL}</tool_call> Done."
    mark = MARK.match(text)
    assert mark is not None
    calls, end = calls_after(text, mark.end(), KNOWN)
    assert [call["args"] for call in calls] == [{"prompt": "an owl"}]
    assert text[end:] == " Done."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("an owl", "no call follows its mark"),
        ('{"prompt": "an owl"}', "names no tool|no object"),
        ('{"name": "generate"}', "no object"),
        ('{"name": "generate", "arguments": [1]}', "no object"),
        ("[1, 2]", "no object with a name"),
        ("<function=generate><parameter=prompt>an ow", "'prompt' has no end"),
        ("generate(1)", "can't be read"),
        ("call:generate{prompt:<escape>an", "have no end"),
    ],
)
def test_the_reason_is_told(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        calls_after(text, 0, KNOWN)


def test_a_list_may_be_python() -> None:
    calls, end = values_at('[generate(prompt="an owl", dark=true)]', 0, KNOWN)
    assert (calls[0]["args"], end) == ({"prompt": "an owl", "dark": True}, 38)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("generate", "generate"),
        ("functions.generate", "generate"),
        ("default_api.generate", "generate"),
        ("functions.generate:0", "generate"),
        ("functions.sing", "sing"),
        ("my.generate", "my.generate"),
    ],
)
def test_names_without_the_place_that_they_come_from(name: str, plain: str) -> None:
    assert known_name(name, KNOWN) == plain


@pytest.mark.parametrize("text", ["</tool_call>", "<tool_call", "[TOOL_CALLS", "<parameter=prompt>", "</function>"])
def test_pieces_of_markup_leave_a_trace(text: str) -> None:
    assert TRACE.search(f"I draw. {text}")
    assert not TRACE.search("I draw with a tool, by a function.")
