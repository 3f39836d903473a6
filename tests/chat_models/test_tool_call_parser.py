"""Tool calls, parsed from the text that local models write."""

import json
import keyword
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagerag.chat_models.call_templates import is_placeholder
from imagerag.chat_models.tool_call_parser import StreamFilter, broken_call, calls_at_the_end, read_calls
from testing.chat_replies import DRAW, written
from testing.openai_server import Reply, serving
from testing.served_runs import run_served


@pytest.mark.usefixtures("quick_retries")
def test_calls_that_a_server_has_left_in_the_text_are_read(tmp_path: Path) -> None:
    with serving([written(DRAW), Reply("Nothing more to do.")]) as server:
        result = run_served(server, tmp_path, [0.3, 0.9])
        assert "tool_calls" in server.requests[1]["messages"][2]
    assert result["image"]["prompt"] == "an owl"
    assert not [step["error"] for step in result["trace"] if step["error"]]


TOOLS = {"generate": {"prompt"}}
CALL = '{"name": "generate", "arguments": {"prompt": "an owl"}}'


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('[TOOL_CALLS]generate[ARGS]{"prompt": "an owl"}', ""),
        ('[TOOL_CALLS]generate{"prompt": "an owl"}', ""),
        ('<function=generate>{"prompt": "an owl"}</function><|eom_id|>', "<|eom_id|>"),
        ("<tool_call>\n<function=generate>\n<parameter=prompt>\nan owl\n</parameter>\n</function>\n</tool_call>", ""),
        ('[generate(prompt="an owl")]', ""),
        ('<|python_start|>[generate(prompt="an owl")]<|python_end|>', ""),
        ('<|python_tag|>generate.call(prompt="an owl")', ""),
        (f"<think>First {CALL.replace('an owl', 'a cat')}.</think>{CALL}", ""),
        (f"I should sing.</think>\n<tool_call>{CALL}</tool_call>", ""),
        (f"I draw.\n<tool_call>\n{CALL}\n</tool_call>", "I draw."),
        (f"<tool_call>{CALL}", ""),
        (f"[TOOL_CALLS] [{CALL}]", ""),
        (f"[TOOL_CALLS]{CALL}", ""),
        ('<|python_tag|>{"name": "generate", "parameters": {"prompt": "an owl"}}<|eom_id|>', ""),
        ('{"name": "generate", "parameters": {"prompt": "an owl"}}', ""),
        (CALL, ""),
        (f"[{CALL}]", ""),
        ('```tool_code\ngenerate(prompt="an owl")\n```', ""),
        ('Now:\n```tool_code\nprint(generate(prompt="an owl"))\n```', "Now:"),
        (f"```json\n{CALL}\n```", ""),
        ('{"type": "function", "function": {"name": "generate", "arguments": "{\\"prompt\\": \\"an owl\\"}"}}', ""),
        ('generate(prompt="an owl")', ""),
        ("<start_function_call>call:generate{prompt:<escape>an owl<escape>}<end_function_call>", ""),
        ("<start_function_call>call:generate{prompt:<escape>an owl<escape>}", ""),
        (
            '<|channel>thought\nAn owl.<channel|>So:<|tool_call>call:generate{prompt:<|"|>an owl<|"|>}<tool_call|>',
            "So:",
        ),
    ],
)
def test_each_format_in_use(text: str, left: str) -> None:
    reading = read_calls(text, TOOLS)
    assert [(call["name"], call["args"]) for call in reading.calls] == [("generate", {"prompt": "an owl"})]
    assert reading.text == left


ARGS = '{"prompt": "an owl"}'
BAR, GAP = "\uff5c", "\u2581"


def deepseek(text: str) -> str:
    """Return marks with a bar and a gap of their own."""
    return text.replace("|", BAR).replace("_", GAP)


ELEMENT = '<invoke name="generate"><parameter name="prompt">an owl</parameter></invoke>'
OTHER_MAKERS = [
    deepseek("<|tool_calls_begin|><|tool_call_begin|>function<|tool_sep|>generate")
    + f"\n```json\n{ARGS}\n```"
    + deepseek("<|tool_call_end|><|tool_calls_end|>"),
    deepseek("<|tool_calls_begin|><|tool_call_begin|>generate<|tool_sep|>")
    + ARGS
    + deepseek("<|tool_call_end|><|tool_calls_end|>"),
    "<|tool_calls_begin|><|tool_call_begin|>generate<|tool_sep|>" + ARGS + "<|tool_call_end|><|tool_calls_end|>",
    '<|DSML|function_calls>\n<|DSML|invoke name="generate">\n<|DSML|parameter name="prompt" string="true">an owl'
    "</|DSML|parameter>\n</|DSML|invoke>\n</|DSML|function_calls>".replace("|", BAR),
    f'<|DSML|function_calls><|DSML|invoke name="generate">{ARGS}</|DSML|invoke></|DSML|function_calls>',
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.generate:0<|tool_call_argument_begin|>"
    f"{ARGS}<|tool_call_end|><|tool_calls_section_end|>",
    "<tool_call>generate\n<arg_key>prompt</arg_key>\n<arg_value>an owl</arg_value>\n</tool_call>",
    f"<minimax:tool_call>\n{ELEMENT}\n</minimax:tool_call>",
    f"<function_calls>{ELEMENT}</function_calls>",
    f"<tool_calls>\n{CALL}\n</tool_calls>",
    "<seed:tool_call><function=generate><parameter=prompt>an owl</parameter></function></seed:tool_call>",
    f"<|channel|>commentary to=functions.generate <|constrain|>json<|message|>{ARGS}<|call|>",
    f"<|channel|>analysis<|message|>An owl.<|end|><|start|>assistant<|channel|>commentary to=functions.generate "
    f"<|constrain|>json<|message|>{ARGS}<|call|>",
    f"<|start|>assistant to=functions.generate<|channel|>commentary json<|message|>{ARGS}<|call|>",
    f"<|tool_call|>[{CALL}]",
    f"<|tool_call|>[{CALL}]<|/tool_call|>",
    '<|tool_call_start|>[generate(prompt="an owl")]<|tool_call_end|>',
    f'<|START_ACTION|>[{{"tool_call_id": "0", "tool_name": "generate", "parameters": {ARGS}}}]<|END_ACTION|>',
    f"<|action_start|><|plugin|>{CALL}<|action_end|>",
    f'<|tools_prefix|>[{{"generate": {ARGS}}}]<|tools_suffix|>',
    f"functools[{CALL}]",
    f"[TOOL_REQUEST]{CALL}[END_TOOL_REQUEST]",
    f"<TOOLCALL>[{CALL}]</TOOLCALL>",
    f"<longcat_tool_call>{CALL}</longcat_tool_call>",
    f"<functioncall> {CALL}",
    f">>>generate\n{ARGS}",
    f"Action: generate\nAction Input: {ARGS}",
    'default_api.generate(prompt="an owl")',
    '```tool_code\nprint(default_api.generate(prompt="an owl"))\n```',
    "```python\nprint(default_api.generate(prompt='an owl'))\n```",
]


@pytest.mark.parametrize("text", OTHER_MAKERS)
@pytest.mark.parametrize("before", ["", "I draw it now.\n"])
def test_the_markup_of_each_maker(text: str, before: str) -> None:
    reading = read_calls(before + text, TOOLS)
    assert [(call["name"], call["args"]) for call in reading.calls] == [("generate", {"prompt": "an owl"})]
    assert reading.text == before.strip()
    assert broken_call(reading.text, TOOLS) is None


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        (f"<tool_call>{CALL.replace('an owl', line)}</tool_call>", line)
        for line in ("an\nowl", "a sign </tool_call> here", "a sign <tool_call> here", "it's an owl")
    ]
    + [
        (text, "an owl")
        for text in (
            f"<tool_call>{CALL[:-1]}</tool_call>",
            f"<tool_call>{CALL}}}</tool_call>",
            f"<tool_call>{CALL[:-2]},}}}}</tool_call>",
            f"<tool_call>{CALL[:-1]},}}</tool_call>",
            "<tool_call>{'name': 'generate', 'arguments': {'prompt': 'an owl'}}</tool_call>",
            f"<tool_call><tool_call>{CALL}</tool_call></tool_call>",
            f"<tool_call>\n<tool_call>\n{CALL}\n</tool_call>",
            f"<tool_call{CALL}",
            f"<tool_call>```json\n{CALL}\n```</tool_call>",
            f"Sure, I draw that: {CALL}",
            f"Sure, I draw that:\n\n{CALL[:-1]}",
            f"Sure: [{CALL}]",
            f"I call it now.\n```json\n{CALL}",
            f"I see {{an owl}} before me. {CALL}",
            'Sure. default_api.generate(prompt="an owl")',
            'Sure. generate(prompt="an owl")',
            'print(default_api.generate(prompt="an owl"))',
            "<tool_call><function=generate><parameter=prompt>an owl</parameter></tool_call>",
            "<function=generate><parameter=prompt>an owl</parameter>",
            "<tool_call><function=generate><parameter=prompt>an owl</function></tool_call>",
            "<tool_call><function=generate>\n<parameter=prompt>\nan owl\n</tool_call>",
            f"<function=generate>{ARGS}</function>",
            f"<function=generate>{ARGS}",
            f'{{"name": "generate", "arguments": {json.dumps(ARGS)}}}',
            f'{{"name": "generate", "arguments": {json.dumps(json.dumps(ARGS))}}}',
            f'{{"name": "functions.generate", "arguments": {ARGS}}}',
            f'{{"tool": "generate", "args": {ARGS}}}',
            f'{{"type": "tool_use", "name": "generate", "input": {ARGS}}}',
        )
    ],
)
def test_mistakes_whose_meaning_is_certain(text: str, prompt: str) -> None:
    reading = read_calls(text, TOOLS)
    assert [(call["name"], call["args"]) for call in reading.calls] == [("generate", {"prompt": prompt})]
    assert broken_call(reading.text, TOOLS) is None


def test_a_parameter_without_an_end_does_not_swallow_the_next() -> None:
    text = "<function=generate><parameter=prompt>\nan owl\n<parameter=seed>\n7\n</parameter></function>"
    assert read_calls(f"<tool_call>{text}</tool_call>", TOOLS).calls[0]["args"] == {"prompt": "an owl", "seed": 7}
    seed = "<arg_key>seed</arg_key><arg_value>7</arg_value>"
    text = f"<tool_call>generate<arg_key>prompt</arg_key><arg_value>an owl{seed}"
    assert read_calls(text, TOOLS).calls[0]["args"] == {"prompt": "an owl", "seed": 7}


BROKEN = [
    f"<tool_call>{CALL[:-6]}",
    f"<tool_call>{CALL[:-6]}</tool_call>",
    '<tool_call>{"name": "generate", "arguments": {"prompt": an owl}}</tool_call>',
    '<tool_call>{"name": "generate", "arguments": {"prompt": "a sign "OPEN", red"}}</tool_call>',
    '<tool_call>{"name": "generate", "arguments": {"prompt": "an owl, "seed": 7}}</tool_call>',
    '<tool_call>{"name": "generate", "prompt": "an owl"}</tool_call>',
    '<tool_call>{"name": "generate", "arguments": "an owl"}</tool_call>',
    "<tool_call>generate an owl</tool_call>",
    "<tool_call>",
    "<tool_call><function=generate><parameter=prompt>an ow",
    "<function=generate></function",
    '<invoke name="generate"><parameter name="prompt">an ow',
    "<tool_call>generate<arg_key>prompt</arg_key><arg_value>an ow",
    deepseek("<|tool_calls_begin|><|tool_call_begin|>generate<|tool_sep|>") + '{"prompt": "an ow',
    "[TOOL_CALLS]generate[ARGS]",
    "[TOOL_CALLS] generate it",
    "<|python_tag|>generate the owl",
    "to=functions.generate an owl",
    "<start_function_call>call:generate{prompt:<escape>an owl",
    'generate("an owl")',
    'default_api.generate(prompt="an owl"',
    "generate(prompt={1, 2})",
    f"{CALL} Shall I?",
    CALL[:-6],
    f"Sure: {CALL[:-6]}",
    "Action: generate\nAction Input: an owl",
    f"<tool_call>{'x' * 20_000}{CALL}</tool_call>",
]


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:60])
def test_what_was_to_be_a_call_and_is_none_is_told(text: str) -> None:
    assert read_calls(text, TOOLS) == (text, [])
    assert broken_call(text, TOOLS)


@pytest.mark.parametrize(
    "text",
    [
        "That is as good as it gets.",
        "",
        "The owl is there, and I generate nothing more.",
        "I used {braces} and [brackets] and <b>marks</b>.",
        '{"answer": "no"}',
        f"<think>{CALL}</think>Done.",
        "The tool could not find a better reference (ref-1).",
        "print('hello')",
    ],
)
def test_talk_is_no_broken_call(text: str) -> None:
    assert broken_call(text, TOOLS) is None


NAMED = [
    f"generate {ARGS}",
    f"generate\n{ARGS}",
    f"generate: {ARGS}",
    f"[generate] {ARGS}",
    f"generate[ARGS]{ARGS}",
    f"functions.generate:0{ARGS}",
    f"I draw.\ngenerate {ARGS}",
    f"<|channel|>commentary to=generate <|constrain|>json<|message|>{ARGS}<|call|>",
    f"<generate>{ARGS}</generate>",
]


@pytest.mark.parametrize("text", NAMED)
def test_a_known_name_before_its_arguments_is_a_call(text: str) -> None:
    assert [(call["name"], call["args"]) for call in read_calls(text, TOOLS).calls] == [
        ("generate", {"prompt": "an owl"})
    ]


NOT_CERTAIN = [
    "call:default_api:generate{prompt:an owl}",
    "<generate><prompt>an owl</prompt></generate>",
    f"<tool>generate</tool><args>{ARGS}</args>",
    f"<use_mcp_tool><tool_name>generate</tool_name><arguments>{ARGS}</arguments></use_mcp_tool>",
    CALL.replace("generate", "Generate"),
    CALL.replace("generate", "generate_image"),
    ARGS,
    f"```json\n{ARGS}\n```",
    f"<tool_code>{ARGS}</tool_code>",
    "{prompt: an owl}",
    '{"seed": 7}',
    "<draw><what>an owl</what></draw>",
    f"I use generate {ARGS} now.",
    "generate:\n  prompt: an owl",
    "generate\nprompt: an owl",
    "<generate>an owl",
    "to=generate an owl",
]


@pytest.mark.parametrize("text", NOT_CERTAIN)
def test_what_names_a_tool_or_is_one_object_and_is_no_certain_call_is_told(text: str) -> None:
    assert read_calls(text, TOOLS).calls == []
    assert broken_call(text, TOOLS)


@pytest.mark.parametrize(
    "text",
    [
        "I could generate another one, but this is right: the owl is there.",
        "<answer>The owl is there.</answer>",
        '{"status": "done", "message": "The owl is there."}',
        "Generate -> inspect was all it took.",
    ],
)
def test_a_last_word_that_is_wrapped_or_names_a_tool_is_no_broken_call(text: str) -> None:
    assert broken_call(text, TOOLS) is None


def test_a_name_in_the_talk_before_a_call_is_no_second_one() -> None:
    text = read_calls(f"I use generate:\n<tool_call>{CALL}</tool_call>", TOOLS).text
    assert text == "I use generate:"
    assert broken_call(text, TOOLS, beside_calls=True) is None


def test_brackets_are_not_closed_for_a_writer_that_was_stopped() -> None:
    text = f"<tool_call>{CALL[:-1]}"
    assert read_calls(text, TOOLS).calls
    assert read_calls(text, TOOLS, cut_off=True) == (text, [])
    assert broken_call(text, TOOLS, cut_off=True)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"I think I draw an owl.\n<tool_call>{CALL}</tool_call>", 1),
        (f"So: <tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>\n", 2),
        (f"An owl, so {CALL}", 1),
        (f"I might <tool_call>{CALL}</tool_call> or not.", 0),
        (f"First <tool_call>{CALL}</tool_call> or rather <tool_call>{CALL}</tool_call>", 1),
        ("I stop here.", 0),
    ],
)
def test_calls_with_which_a_text_ends(text: str, count: int) -> None:
    assert len(calls_at_the_end(text, TOOLS)) == count


@pytest.mark.parametrize(
    "text",
    [
        "I would generate(an owl) if I could",
        "[generate(prompt='an owl'), 7]",
        "owl = generate(prompt='an owl')",
        "[TOOL_CALLS]generate[ARGS]",
        "<function=generate></function",
        '{"answer": "no"}',
        "print('hello')",
        "generate(prompt={1, 2})",
        '```python\nimport os\nos.remove("x")\n```',
        '<tool_call>{"name": "generate", "arguments": {"prompt": ',
        "[TOOL_CALLS] generate it",
        "",
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read_calls(text, TOOLS) == (text, [])


def test_two_calls_at_once_and_one_of_an_unknown_tool() -> None:
    text = f'<tool_call>{CALL}</tool_call><tool_call>{{"name": "sing", "arguments": {{}}}}</tool_call>'
    assert [call["name"] for call in read_calls(text, TOOLS).calls] == ["generate", "sing"]
    assert read_calls('{"name": "sing", "arguments": {}}', TOOLS).calls == []


NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text().filter(lambda text: not is_placeholder(text)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
MARKS = ("<", ">", "[", "]", "`")


def _json(name: str, arguments: Any, key: str = "arguments") -> str:
    return json.dumps({"name": name, key: arguments})


def _python(name: str, arguments: Any) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


MARK = '<|"|>'
"""Around Gemma 4's strings."""


def _gemma(value: Any, mark: str, outermost: bool = True) -> str:
    match value:
        case str():
            return f"{mark}{value}{mark}"
        case list():
            return f"[{','.join(_gemma(each, mark, False) for each in value)}]"
        case dict():
            quote = "" if outermost else mark
            inner = (f"{quote}{key}{quote}:{_gemma(each, mark, False)}" for key, each in value.items())
            return f"{{{','.join(inner)}}}"
    return json.dumps(value)


DIALECTS: dict[str, Callable[[list[tuple[str, Any]]], str]] = {
    "hermes": lambda calls: "\n".join(f"<tool_call>\n{_json(*call)}\n</tool_call>" for call in calls),
    "hermes, one block": lambda calls: "<tool_call>" + "\n".join(_json(*call) for call in calls) + "</tool_call>",
    "mistral": lambda calls: f"[TOOL_CALLS] [{', '.join(_json(*call) for call in calls)}]",
    "mistral, named": lambda calls: "".join(f"[TOOL_CALLS]{n}[ARGS]{json.dumps(a)}" for n, a in calls) + "</s>",
    "mistral, with ids": lambda calls: "".join(
        f"[TOOL_CALLS]{n}[CALL_ID]a1b2c3d4e[ARGS]{json.dumps(a)}" for n, a in calls
    ),
    "llama, tag": lambda calls: f"<|python_tag|>{'; '.join(_json(*call, 'parameters') for call in calls)}<|eom_id|>",
    "llama, bare": lambda calls: "; ".join(_json(*call, "parameters") for call in calls),
    "llama, function": lambda calls: "".join(f"<function={n}>{json.dumps(a)}</function>" for n, a in calls),
    "llama 4": lambda calls: f"<|python_start|>[{', '.join(_python(*call) for call in calls)}]<|python_end|>",
    "python list": lambda calls: f"[{', '.join(_python(*call) for call in calls)}]",
    "gemma": lambda calls: "```tool_code\n" + "\n".join(_python(*call) for call in calls) + "\n```",
    "gemma, printed": lambda calls: "```python\n" + "\n".join(f"print({_python(*call)})" for call in calls) + "\n```",
    "fenced json": lambda calls: f"```json\n[{', '.join(_json(*call) for call in calls)}]\n```",
    "functiongemma": lambda calls: "".join(
        f"<start_function_call>call:{n}{_gemma(a, '<escape>')}<end_function_call>" for n, a in calls
    ),
    "gemma 4": lambda calls: "".join(f"<|tool_call>call:{n}{_gemma(a, MARK)}<tool_call|>" for n, a in calls),
    "qwen coder": lambda calls: "\n".join(
        f"<tool_call>\n<function={n}>\n"
        + "".join(
            f"<parameter={k}>\n{v if isinstance(v, str) else json.dumps(v)}\n</parameter>\n" for k, v in a.items()
        )
        + "</function>\n</tool_call>"
        for n, a in calls
    ),
}


def _marked(value: Any) -> bool:
    return any(mark in json.dumps(value, ensure_ascii=False) for mark in MARKS)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
@given(
    calls=st.lists(
        st.tuples(NAMES, st.dictionaries(NAMES, VALUES.filter(lambda value: not _marked(value)), max_size=3)),
        min_size=1,
        max_size=3,
    ),
    thought=st.booleans(),
)
def test_calls_written_in_any_dialect_are_read_back(dialect: str, calls: list[tuple[str, Any]], thought: bool) -> None:
    known: dict[str, set[str]] = {}
    for name, arguments in calls:
        known.setdefault(name, set()).update(key for key, value in arguments.items() if isinstance(value, str))
    if dialect == "qwen coder":  # which has no types of its own: what is text in one call can't be none in another
        calls = [(name, {k: v for k, v in a.items() if isinstance(v, str) == (k in known[name])}) for name, a in calls]
    text = DIALECTS[dialect](calls)
    wrapped = f"<think>I could {text} now</think>\n{text}" if thought else text
    reading = read_calls(wrapped, known)
    assert [(call["name"], call["args"]) for call in reading.calls] == calls
    assert read_calls(f"<think>{text}</think> No.", known) == (" No.", [])
    assert read_calls(f"<think>{text}", known) == ("", [])


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["I draw.\n{} So be it.", "{}", "  {}", "No {{brackets}} here.", " I would rather not."]
)
@pytest.mark.parametrize("dialect", ["hermes", "mistral", "gemma 4", "python list"])
@given(data=st.data())
def test_talk_is_let_through_and_calls_are_not(text: str, dialect: str, data: st.DataObject) -> None:
    text = text.format(DIALECTS[dialect]([("generate", {"prompt": "an owl"})]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    talk = StreamFilter(TOOLS)
    shown = "".join(talk.part(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True))
    rest, calls = talk.end()
    whole = read_calls(text, TOOLS)
    assert [(call["name"], call["args"]) for call in calls] == [(call["name"], call["args"]) for call in whole.calls]
    assert (shown + rest).strip() == whole.text.strip()
    assert "generate" not in shown
    assert shown.startswith("I draw.") is text.startswith("I draw."), "what is said before a call is not kept back"


@given(st.lists(st.integers(0, 60), max_size=6))
def test_a_call_behind_talk_without_any_mark_is_not_let_through(cuts: list[int]) -> None:
    text = 'Sure. print(default_api.generate(prompt="an owl"))'
    talk = StreamFilter(TOOLS)
    ends = sorted(min(cut, len(text)) for cut in cuts)
    shown = "".join(talk.part(text[a:b]) for a, b in zip([0, *ends], [*ends, len(text)], strict=True))
    rest, calls = talk.end()
    assert (shown + rest).strip() == "Sure."
    assert [call["args"] for call in calls] == [{"prompt": "an owl"}]


@given(st.text(alphabet='<>[]{}()"\\|:,`_ tolcagenri\n', max_size=120))
def test_nothing_raises(text: str) -> None:
    for start in ("", "<tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "```json\n"):
        reading = read_calls(start + text, TOOLS)
        assert all(call["name"] for call in reading.calls)
        assert all(isinstance(call["args"], dict) for call in reading.calls)
