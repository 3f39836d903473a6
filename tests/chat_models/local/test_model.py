"""Chat models that run here: real architectures with tiny random weights, and tool calls in the formats in use."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import torch
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from PIL import Image
from pydantic import BaseModel, Field
from transformers import (
    CLIPImageProcessor,
    Gemma3ImageProcessor,
    LlavaNextImageProcessor,
    MllamaImageProcessor,
    Qwen2VLImageProcessor,
    SmolVLMImageProcessor,
)

from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models.local.chat_template import template_turns
from imagerag.chat_models.local.grammar import SchemaConstraint
from imagerag.chat_models.local.loading import image_limit, load_local
from imagerag.chat_models.local.model import LocalChatModel
from imagerag.chat_models.structured import StructuredModel
from imagerag.chat_models.usage import UsageMeter, using_meter
from imagerag.device_settings import DeviceSettings
from imagerag.errors import Cancelled, UserError
from imagerag.graphs import Settings, build_graph
from imagerag.graphs.components import Components
from imagerag.tools import make_tools
from testing import tiny_chat_models as tiny_minds
from testing.scripted import ScriptedCritic, Squares

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
        settings = Settings(home=str(tmp_path), max_steps=3, max_tokens=60_000)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
        assert result["image"] is not None
        assert sum(step["tokens"] for step in result["trace"]) > 0
        assert all(step["money"] == 0 for step in result["trace"])


class Bird(BaseModel):
    """A bird."""

    name: Annotated[str, Field(max_length=12)]
    colours: Annotated[list[Literal["red", "blue"]], Field(min_length=1, max_length=2)]
    flies: bool


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
    text, _ = model._rendered(conversation, tools)
    assert text.count("<|im_start|>user") == 2
    assert "search_references" in text
    assert text.count('<tool_call>{"name": "generate", "arguments": {"prompt": "an owl"}}</tool_call>') == 2
    assert "Result of generate:\nimage-1\nResult of generate:\nimage-2" in text
    assert model.invoke(conversation, max_tokens=4, tools=tools).usage_metadata is not None


class TestLoading:
    def test_what_is_not_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # its retries take twenty seconds
        with pytest.raises(UserError, match=r"is not on this machine .* hf download nobody/nothing"):
            load_local("transformers:nobody/nothing")

    def test_no_chat_template(self, tmp_path: Path) -> None:
        folder = tiny_minds.save_words_only(tmp_path / "bare", template=None)
        with pytest.raises(UserError, match="has no chat template"):
            load_local(f"transformers:{folder}")

    def test_it_is_held_as_the_settings_say(self, tmp_path: Path) -> None:
        name = f"transformers:{tiny_minds.save_qwen_vl(tmp_path / 'qwen')}"
        components = Components(Settings(home=str(tmp_path), vlm=name, critic=name, dtype="bfloat16", memory="offload"))
        assert isinstance(components.chat_model, LocalChatModel)
        assert str(components.chat_model._model.dtype) == "torch.bfloat16"
        assert isinstance(components.critic, VlmCritic)
        assert components.critic._model.model is components.chat_model, (
            "one copy of the weights drives, judges and writes"
        )
        for settings, says in (({"memory": "4bit"}, "in 4 bits needs a GPU"), ({"device": "cuda:7"}, "--device auto")):
            with pytest.raises(UserError, match=says):
                load_local(name, DeviceSettings(**settings))  # type: ignore[arg-type]

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
    text, _ = model._rendered(conversation, offered)
    assert '[TOOL_CALLS]generate[ARGS]{"prompt": "an owl"}[TOOL_RESULTS]image-1' in text


def test_an_image_of_openais_form_is_seen_and_one_by_address_refused(model: Any) -> None:
    if not model.takes_images:
        pytest.skip("it takes none")
    data = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture()['base64']}"}}
    answers = [model.invoke([HumanMessage([block])], max_tokens=2) for block in (data, picture())]
    assert answers[0].usage_metadata == answers[1].usage_metadata
    with pytest.raises(ValueError, match=r"not by address: 'https://example\.org/a\.png'"):
        model.invoke([HumanMessage([{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}])])


def test_a_stream_left_open_keeps_nobody_waiting(model: Any) -> None:
    question = [HumanMessage("Name a bird.")]
    left = model.stream(question, max_tokens=60)
    next(left)
    assert model.invoke(question, max_tokens=2).usage_metadata["output_tokens"] == 2
    left.close()


def test_who_waits_for_a_model_in_use_can_be_stopped(model: Any) -> None:
    def stop() -> None:
        raise Cancelled("enough")

    with model._lock, using_meter(UsageMeter(check=stop)), pytest.raises(Cancelled):
        model.invoke([HumanMessage("Name a bird.")])


def test_what_is_thought_is_no_answer_whole_or_streamed(tmp_path: Path) -> None:
    template = tiny_minds.TEMPLATE.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
    model = load_local(f"transformers:{tiny_minds.save_words_only(tmp_path / 'thinks', template)}")
    question = [HumanMessage("Name a bird.")]
    whole = model.invoke(question, max_tokens=12)
    assert (whole.text, bool(whole.additional_kwargs["reasoning_content"])) == ("", True)
    streamed = list(model.stream(question, max_tokens=12))
    assert "".join(str(piece.text) for piece in streamed) == ""
    thoughts = [str(piece.additional_kwargs.get("reasoning_content", "")) for piece in streamed]
    assert "".join(thoughts) == whole.additional_kwargs["reasoning_content"]
