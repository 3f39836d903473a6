"""Local chat models: tool calls, images, streams and stops."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from imagerag.chat_models.local.loading import load_local
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.errors import Cancelled, UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from imagerag.tools.builtin import make_tools
from testing import tiny_chat_models as tiny_minds
from testing.scripted import ScriptedCritic, Squares
from testing.tiny_chat_models import picture_block

pytestmark = pytest.mark.slow


class TestModels:
    def test_it_sees_what_it_is_sent(self, model: Any) -> None:
        words: dict[str, Any] = {"type": "text", "text": "What is it?"}
        answers = [model.invoke([HumanMessage([words, *more])], max_tokens=8) for more in ([], [picture_block()])]
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
            ToolMessage([{"type": "text", "text": "image-1"}, picture_block()], tool_call_id="c1", name="generate"),
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


def test_a_local_model_is_sent_images_of_its_size(model: Any) -> None:
    expected = {"Qwen2VLProcessor": (79, 39), "LlavaProcessor": (56, 28)}.get(type(model._processor).__name__)
    limit = model.image_limit
    assert (limit and limit.fit(200, 100)) == expected


def test_an_image_of_openais_form_is_seen_and_one_by_address_refused(model: Any) -> None:
    if not model.takes_images:
        pytest.skip("it takes none")
    data = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture_block()['base64']}"}}
    answers = [model.invoke([HumanMessage([block])], max_tokens=2) for block in (data, picture_block())]
    assert answers[0].usage_metadata == answers[1].usage_metadata
    with pytest.raises(ValueError, match=r"not by address: 'https://example\.org/a\.png'"):
        model.invoke([HumanMessage([{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}])])


@pytest.mark.parametrize("writes", [True, False], ids=["the template", "the tokenizer"])
def test_a_prompt_begins_once_whoever_writes_that(tmp_path: Path, writes: bool) -> None:
    template = "{{ bos_token }}" * writes + tiny_minds.TEMPLATE
    model = load_local(f"transformers:{tiny_minds.save_llava(tmp_path / 'llava', True, template)}")
    inputs, text = model._inputs([HumanMessage([{"type": "text", "text": "an owl"}, picture_block()])], [])
    bos = model._processor.tokenizer.bos_token_id
    assert text.startswith(tiny_minds.BOS) is writes
    assert inputs["input_ids"][0].tolist().count(bos) == 1
    assert int(inputs["input_ids"][0, 0]) == bos


@pytest.mark.parametrize("installed", [True, False])
def test_smolvlm_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    folder = tiny_minds.save_smolvlm(tmp_path / "smolvlm")
    if installed:
        pytest.importorskip("num2words")
        model = load_local(f"transformers:{folder}")
        assert model.takes_images
        assert model.invoke(
            [HumanMessage([{"type": "text", "text": "an owl"}, picture_block()])], max_tokens=4
        ).usage_metadata
        return
    monkeypatch.setattr("transformers.models.smolvlm.processing_smolvlm.num2words", None)
    with pytest.raises(
        UserError, match=r"needs 'num2words', which is not installed; run: pip install 'imagerag\[vlm\]'"
    ):
        load_local(f"transformers:{folder}")


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
