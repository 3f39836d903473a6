"""Tool calls written as Python."""

import pytest

from imagerag.chat_models.python_calls import called_function, written_calls

OWL = {"name": "generate", "arguments": {"prompt": "an owl"}}


@pytest.mark.parametrize(
    "text",
    [
        'generate(prompt="an owl")',
        "[generate(prompt='an owl')]",
        ' print(generate(prompt="an owl"))\n',
        'generate.call(prompt="an owl")',
    ],
)
def test_a_call_is_read(text: str) -> None:
    assert written_calls(text) == [OWL]
    assert called_function(text).removesuffix(".call") == "generate"


def test_several_and_the_constants_of_json() -> None:
    calls = written_calls('a.b(x=true, y=null)\ngenerate(prompt="an owl")')
    assert calls == [{"name": "a.b", "arguments": {"x": True, "y": None}}, OWL]


@pytest.mark.parametrize(
    "text", ["", "an owl", "generate(prompt=owl)", 'generate("an owl")', "f(x={1})", "x = f(y=1)", "f(**k)"]
)
def test_anything_else_is_none(text: str) -> None:
    assert written_calls(text) == []


@pytest.mark.parametrize(
    ("text", "name"), [('draw("an owl")', "draw"), ("f(x=y)", "f"), ("f()", ""), ("f(x)", ""), ("an owl", ""), ("", "")]
)
def test_the_function_that_a_line_calls(text: str, name: str) -> None:
    assert called_function(text) == name
