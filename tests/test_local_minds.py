"""Chat models that run here: real architectures with tiny random weights, and tool calls in the formats in use."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from PIL import Image
from transformers import (
    CLIPImageProcessor,
    Gemma3ImageProcessor,
    LlavaNextImageProcessor,
    MllamaImageProcessor,
    Qwen2VLImageProcessor,
    SmolVLMImageProcessor,
)

from imagerag.agent.local.loading import image_limit, load_local
from imagerag.agent.local.model import _turns
from imagerag.agent.local.tool_calls import read_calls
from imagerag.errors import UserError
from imagerag.graphs import Context, build_graph
from imagerag.tools import make_tools
from tests import tiny_minds
from tests.scripted import ScriptedCritic, Squares

SAVED: dict[str, Callable[[Path], Path]] = {
    "qwen-vl": tiny_minds.save_qwen_vl,
    "llava": tiny_minds.save_llava,
    "words-only": tiny_minds.save_words_only,
}


@pytest.fixture(scope="module", params=SAVED)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_local(f"transformers:{SAVED[request.param](tmp_path_factory.mktemp(request.param))}")


def picture(colour: str = "red") -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(buffer, "PNG")
    return {"type": "image", "base64": base64.b64encode(buffer.getvalue()).decode(), "mime_type": "image/png"}


class TestModels:
    def test_it_sees_what_it_is_sent(self, model: Any) -> None:
        words: dict[str, Any] = {"type": "text", "text": "What is it?"}
        answers = [model.invoke([HumanMessage([words, *more])], max_tokens=8) for more in ([], [picture()])]
        assert all(answer.usage_metadata["output_tokens"] <= 8 for answer in answers)
        longer = answers[1].usage_metadata["input_tokens"] - answers[0].usage_metadata["input_tokens"]
        assert (longer > 0) is model.takes_images
        assert answers[0].response_metadata["finish_reason"] in ("length", "stop")

    def test_the_same_question_gets_the_same_answer_whole_or_streamed(self, model: Any) -> None:
        question = [SystemMessage("Be brief."), HumanMessage("Name a bird.")]
        whole = model.invoke(question, max_tokens=12)
        pieces = list(model.stream(question, max_tokens=12))
        assert len(pieces) > 2
        assert "".join(str(piece.text) for piece in pieces) == whole.text
        assert pieces[0].__class__.__name__ == "AIMessageChunk"
        total = sum(piece.usage_metadata["output_tokens"] for piece in pieces if piece.usage_metadata)
        assert total == whole.usage_metadata["output_tokens"]

    def test_a_conversation_with_tools_and_pictures_in_their_results(self, model: Any) -> None:
        call = {"name": "generate", "args": {"prompt": "an owl"}, "id": "c1", "type": "tool_call"}
        conversation = [
            HumanMessage("an owl"),
            AIMessage("", tool_calls=[call]),
            ToolMessage([{"type": "text", "text": "image-1"}, picture()], tool_call_id="c1", name="generate"),
        ]
        tools = make_tools(lambda: None)  # type: ignore[arg-type, return-value]
        answer = model.bind_tools(tools).invoke(conversation, max_tokens=8)
        bare = model.invoke(conversation, max_tokens=8)
        assert answer.usage_metadata["input_tokens"] > bare.usage_metadata["input_tokens"] + 500

    def test_a_babbling_model_costs_no_image(self, model: Any, tmp_path: Path) -> None:
        graph = build_graph(chat_model=model, critic=ScriptedCritic([0.4, 0.5, 0.9]), generator=Squares())
        context = Context(home=str(tmp_path), max_steps=3, max_tokens=60_000)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=context)
        assert result["image"] is not None
        assert sum(step["tokens"] for step in result["trace"]) > 0
        assert all(step["money"] == 0 for step in result["trace"])


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
    turns, _ = _turns(conversation, False)
    text = model._rendered(turns, tools)
    assert text.count("<|im_start|>user") == 2
    assert "search_references" in text
    assert text.count('<tool_call>{"name": "generate", "arguments": {"prompt": "an owl"}}</tool_call>') == 2
    assert "Result of generate:\nimage-1\nResult of generate:\nimage-2" in text
    assert model.invoke(conversation, max_tokens=4, tools=tools).usage_metadata is not None


class TestLoading:
    def test_what_is_not_here(self) -> None:
        with pytest.raises(UserError, match=r"is not on this machine .* hf download nobody/nothing"):
            load_local("transformers:nobody/nothing")

    def test_no_chat_template(self, tmp_path: Path) -> None:
        folder = tiny_minds.save_words_only(tmp_path / "bare", template=None)
        with pytest.raises(UserError, match="has no chat template"):
            load_local(f"transformers:{folder}")

    def test_no_model_in_it(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="can't be loaded"):
            load_local(f"transformers:{tmp_path}")


@pytest.mark.parametrize(
    ("processor", "size", "fitted"),
    [
        (Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56), (200, 50), (112, 28)),
        (CLIPImageProcessor(size=336, crop_size=336), (2000, 1000), (672, 336)),
        (Gemma3ImageProcessor(size={"height": 896, "width": 896}), (2000, 1000), (1792, 896)),
        (Gemma3ImageProcessor(size={"height": 896, "width": 896}, do_pan_and_scan=True), (4000, 1000), (3584, 896)),
        (SmolVLMImageProcessor(size={"longest_edge": 2048}), (4096, 10), (2048, 5)),
        (LlavaNextImageProcessor(image_grid_pinpoints=[[336, 672], [672, 336]]), (1344, 1344), (672, 672)),
        (MllamaImageProcessor(size={"height": 560, "width": 560}, max_image_tiles=4), (4000, 4000), (1120, 1120)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_checkpoint_tells_how_large_it_takes_images(processor: Any, size: Any, fitted: tuple[int, int]) -> None:
    limit = image_limit(processor)
    assert limit is not None
    assert limit.fit(*size) == fitted


def test_a_local_model_is_sent_images_of_its_size(model: Any) -> None:
    expected = {"Qwen2VLProcessor": (79, 39), "LlavaProcessor": (56, 28)}.get(type(model._processor).__name__)
    limit = model.image_limit
    assert (limit and limit.fit(200, 100)) == expected


CALL = '{"name": "generate", "arguments": {"prompt": "an owl"}}'


@pytest.mark.parametrize(
    ("text", "left"),
    [
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
    ],
)
def test_each_format_in_use(text: str, left: str) -> None:
    reading = read_calls(text, {"generate"})
    assert [(call["name"], call["args"]) for call in reading.calls] == [("generate", {"prompt": "an owl"})]
    assert reading.text == left


@pytest.mark.parametrize(
    "text",
    [
        "I would generate(an owl) if I could",
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
    assert read_calls(text, {"generate"}) == (text, [])


def test_two_calls_at_once_and_one_of_an_unknown_tool() -> None:
    text = f'<tool_call>{CALL}</tool_call><tool_call>{{"name": "sing", "arguments": {{}}}}</tool_call>'
    assert [call["name"] for call in read_calls(text, {"generate"}).calls] == ["generate", "sing"]
    assert read_calls('{"name": "sing", "arguments": {}}', {"generate"}).calls == []


@given(st.text(alphabet='<>[]{}()"\\|:,`_ tolcagenri\n', max_size=120))
def test_nothing_raises(text: str) -> None:
    for start in ("", "<tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "```json\n"):
        reading = read_calls(start + text, {"generate"})
        assert all(isinstance(call["args"], dict) for call in reading.calls)
