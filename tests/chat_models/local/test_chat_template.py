"""Chat templates that lack tools or system turns, or want ids of a form."""

from pathlib import Path

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from imagerag.chat_models.local.chat_template import rendered, template_turns
from imagerag.chat_models.local.loading import load_local
from imagerag.tools.builtin import make_tools
from testing import tiny_chat_models as tiny_minds

PLAIN = (
    "{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)
"""As Gemma's: no system turn, no tools, and roles that alternate."""


def test_a_template_without_tools_gets_everything_in_plain_turns(tmp_path: Path) -> None:
    model = load_local(f"transformers:{tiny_minds.save_words_only(tmp_path / 'plain', PLAIN)}")
    call = {"name": "generate", "args": {"prompt": "an owl"}, "id": "c1", "type": "tool_call"}
    conversation = [
        SystemMessage("You draw."),
        HumanMessage("an owl"),
        AIMessage("", tool_calls=[call, {**call, "id": "c2"}]),
        ToolMessage("image-1", tool_call_id="c1", name="generate"),
        ToolMessage("image-2", tool_call_id="c2", name="generate"),
    ]
    tools = [convert_to_openai_tool(tool) for tool in make_tools(lambda: None)]  # type: ignore[arg-type, return-value]
    text, _ = rendered(model._processor, conversation, tools, model.takes_images)
    assert text.count("<|im_start|>user") == 2
    assert "search_references" in text
    assert text.count('<tool_call>{"name": "generate", "arguments": {"prompt": "an owl"}}</tool_call>') == 2
    assert "Result of generate:\nimage-1\nResult of generate:\nimage-2" in text
    assert model.invoke(conversation, max_tokens=4, tools=tools).usage_metadata is not None


MISTRALS = (
    "{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]"
    "{% elif m.role == 'tool' %}{% if m.tool_call_id|length != 9 %}{{ raise_exception('ids have nine') }}{% endif %}"
    "[TOOL_RESULTS]{{ m.content }}[/TOOL_RESULTS]"
    "{% else %}{{ m.content }}{% for t in m.tool_calls or [] %}"
    "{% if t.id|length != 9 %}{{ raise_exception('ids have nine') }}{% endif %}"
    "[TOOL_CALLS]{{ t.function.name }}[ARGS]{{ t.function.arguments | tojson }}{% endfor %}{% endif %}{% endfor %}"
    "{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}{% endif %}"
)


def test_mistrals_template_gets_ids_as_it_wants_them(tmp_path: Path) -> None:
    model = load_local(f"transformers:{tiny_minds.save_words_only(tmp_path / 'mistral', MISTRALS)}")
    call = {"name": "generate", "args": {"prompt": "an owl"}, "id": "call_0123456789", "type": "tool_call"}
    result = ToolMessage("image-1", tool_call_id="call_0123456789", name="generate")
    conversation = [HumanMessage("an owl"), AIMessage("", tool_calls=[call]), result]
    turns, _ = template_turns(conversation, False)
    assert turns[1]["tool_calls"][0]["id"] == turns[2]["tool_call_id"]
    offered = [convert_to_openai_tool(tool) for tool in make_tools(lambda: None)]  # type: ignore[arg-type, return-value]
    text, _ = rendered(model._processor, conversation, offered, model.takes_images)
    assert '[TOOL_CALLS]generate[ARGS]{"prompt": "an owl"}[TOOL_RESULTS]image-1' in text
