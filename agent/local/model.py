"""A checkpoint of transformers as a LangChain chat model: ``transformers:MODEL``, an id or a folder."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, PrivateAttr

from imagerag.agent.local.tool_calls import read_calls
from imagerag.agent.metering import current_meter
from imagerag.agent.pictures import ImageLimit

MOST_NEW_TOKENS = 1024
"""Tokens of one answer, unless the caller says otherwise."""


ENDINGS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<end_of_utterance>")
"""By which chat templates in use end a turn."""


class LocalChatModel(BaseChatModel):
    """A vision-language model, or one of words alone, in this process.

    Answers are greedy: the same conversation gets the same answer on the same device. One answer at a time;
    others wait.

    Attributes:
        name_or_path: of the checkpoint.
        takes_images: whether it is a vision-language model.
        image_limit: how large it takes images, where its image processor says.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name_or_path: str
    takes_images: bool
    image_limit: ImageLimit | None = None
    _model: Any = PrivateAttr()
    _processor: Any = PrivateAttr()
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, *, model: Any, processor: Any, **fields: Any) -> None:
        super().__init__(**fields)
        self._model = model
        self._processor = processor

    @property
    def _llm_type(self) -> str:
        return "transformers"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools through the checkpoint's own chat template. ``tool_choice`` can't be forced on a local model."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text, usage, ended = "", None, "stop"
        for piece, told in self._pieces(messages, stop, kwargs):
            text += piece
            if told is not None:
                usage, ended = told
        reading = read_calls(text, _names(kwargs))
        message = AIMessage(
            reading.text,
            tool_calls=reading.calls,
            usage_metadata=usage,
            response_metadata={"finish_reason": ended, "model_name": self.name_or_path},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Stream words; where tools are offered the answer comes whole, since only its end tells a call from talk."""
        if _names(kwargs):
            whole = self._generate(messages, stop, run_manager, **kwargs).generations[0].message
            assert isinstance(whole, AIMessage)
            chunks: Any = [
                {"name": call["name"], "args": json.dumps(call["args"]), "id": call["id"], "index": number}
                for number, call in enumerate(whole.tool_calls)
            ]
            yield ChatGenerationChunk(
                message=AIMessageChunk(
                    content=whole.text,
                    tool_call_chunks=chunks,
                    usage_metadata=whole.usage_metadata,
                    response_metadata=whole.response_metadata,
                )
            )
            return
        for piece, told in self._pieces(messages, stop, kwargs):
            usage, ended = told or (None, None)
            about = {"finish_reason": ended} if ended else {}
            chunk = ChatGenerationChunk(
                message=AIMessageChunk(content=piece, usage_metadata=usage, response_metadata=about)
            )
            if run_manager:
                run_manager.on_llm_new_token(piece, chunk=chunk)
            yield chunk

    def _pieces(
        self, messages: list[BaseMessage], stop: list[str] | None, settings: dict[str, Any]
    ) -> Iterator[tuple[str, tuple[UsageMetadata, str] | None]]:
        """Yield the answer's text as it is written, at last with its tokens and why it ended."""
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

        ended = threading.Event()

        class Hung(StoppingCriteria):
            def __call__(self, ids: Any, scores: Any, **_: Any) -> Any:
                return torch.full((ids.shape[0],), ended.is_set(), dtype=torch.bool, device=ids.device)

        most = int(settings.get("max_tokens") or MOST_NEW_TOKENS)
        check = current_meter().check
        with self._lock:
            inputs = self._inputs(messages, settings.get("tools") or [])
            asked = int(inputs["input_ids"].shape[-1])
            tokenizer = getattr(self._processor, "tokenizer", self._processor)
            streamer: Any = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=False)
            outcome: dict[str, Any] = {}

            def write() -> None:
                try:
                    with torch.no_grad():
                        outcome["ids"] = self._model.generate(
                            **inputs,
                            max_new_tokens=most,
                            do_sample=False,
                            streamer=streamer,
                            stopping_criteria=StoppingCriteriaList([Hung()]),
                            **({"stop_strings": stop, "tokenizer": tokenizer} if stop else {}),
                        )
                except BaseException as error:
                    outcome["error"] = error
                    streamer.end()

            writing = threading.Thread(target=write, daemon=True)
            writing.start()
            try:
                for piece in streamer:
                    check()
                    yield _without_marks(piece, tokenizer), None
            finally:
                ended.set()
                writing.join()
            if "error" in outcome:
                raise outcome["error"]
        made = int(outcome["ids"].shape[-1]) - (asked if not self._model.config.is_encoder_decoder else 0)
        usage = UsageMetadata(input_tokens=asked, output_tokens=made, total_tokens=asked + made)
        yield "", (usage, "length" if made >= most else "stop")

    def _inputs(self, messages: list[BaseMessage], tools: list[dict[str, Any]]) -> Any:
        turns, images = _turns(messages, self.takes_images)
        text = self._rendered(turns, tools)
        if self.takes_images:
            inputs = self._processor(text=[text], images=images or None, return_tensors="pt")
        else:
            inputs = self._processor([text], return_tensors="pt", add_special_tokens=False)
        return inputs.to(self._model.device)

    def _rendered(self, turns: list[dict[str, Any]], tools: list[dict[str, Any]]) -> str:
        """Return the conversation as the checkpoint's template words it.

        Many templates leave tools out without a word, or refuse system turns, tool results, or two turns of one role:
        those get a conversation in which everything is said in plain, alternating turns.
        """
        from jinja2 import TemplateError

        def render(turns: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> str:
            return str(
                self._processor.apply_chat_template(turns, tools=tools, add_generation_prompt=True, tokenize=False)
            )

        try:
            text = render(turns, tools or None)
            if not tools or text != render(turns, None):
                return text
        except TemplateError:
            pass  # it says what it doesn't take; the plain turns below need none of that
        return render(plainly(turns, tools), None)


def _names(settings: dict[str, Any]) -> set[str]:
    return {tool["function"]["name"] for tool in settings.get("tools") or []}


def _without_marks(text: str, tokenizer: Any) -> str:
    """Return text without the tokens that only end it; those around tool calls stay, to be read."""
    for mark in (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token, *ENDINGS):
        if mark:
            text = text.replace(mark, "")
    return text


def _turns(messages: list[BaseMessage], takes_images: bool) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the conversation as chat templates take it, and its images in order.

    Templates take images in the person's turns alone, so those of a tool's result follow it in one.
    """
    turns: list[dict[str, Any]] = []
    images: list[Any] = []
    for message in messages:
        blocks = [message.content] if isinstance(message.content, str) else list(message.content)
        text = "\n".join(block if isinstance(block, str) else str(block.get("text", "")) for block in blocks).strip()
        seen = [_picture(block) for block in blocks if isinstance(block, dict) and block.get("base64")]
        seen = seen if takes_images else []
        if isinstance(message, SystemMessage):
            turns.append({"role": "system", "content": _content(text, 0, takes_images)})
        elif isinstance(message, ToolMessage):
            turns.append({"role": "tool", "name": message.name or "", "content": _content(text, 0, takes_images)})
            if seen:
                turns.append({"role": "user", "content": _content("The images of that result.", len(seen), True)})
        elif isinstance(message, AIMessage):
            calls = [
                {"type": "function", "function": {"name": call["name"], "arguments": call["args"]}}
                for call in message.tool_calls
            ]
            turn: dict[str, Any] = {"role": "assistant", "content": _content(text, 0, takes_images)}
            turns.append({**turn, "tool_calls": calls} if calls else turn)
        elif isinstance(message, HumanMessage):
            turns.append({"role": "user", "content": _content(text, len(seen), takes_images)})
        images += seen
    return turns, images


def plainly(turns: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a conversation in turns of user and assistant alone, in turn, with tools, calls and results as text."""
    said: list[tuple[str, list[dict[str, Any]]]] = []
    if tools:
        offered = "\n".join(json.dumps(tool["function"]) for tool in tools)
        text = (
            f"You can call these tools:\n{offered}\nTo call one, answer with nothing but "
            '<tool_call>{"name": NAME, "arguments": {...}}</tool_call>'
        )
        said.append(("user", [{"type": "text", "text": text}]))
    for turn in turns:
        content = turn["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        if turn["role"] == "tool":
            blocks = [{"type": "text", "text": f"Result of {turn['name']}:"}, *blocks]
        for call in turn.get("tool_calls", ()):
            blocks.append({"type": "text", "text": f"<tool_call>{json.dumps(call['function'])}</tool_call>"})
        role = "assistant" if turn["role"] == "assistant" else "user"
        if said and said[-1][0] == role:
            said[-1][1].extend(blocks)
        else:
            said.append((role, blocks))
    whole = all(isinstance(turn["content"], str) for turn in turns)
    return [
        {"role": role, "content": "\n".join(block["text"] for block in blocks if block["text"]) if whole else blocks}
        for role, blocks in said
    ]


def _content(text: str, images: int, in_blocks: bool) -> Any:
    if not in_blocks:
        return text
    return [*({"type": "image"} for _ in range(images)), {"type": "text", "text": text}]


def _picture(block: dict[str, Any]) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(block["base64"]))).convert("RGB")
