"""A checkpoint of transformers as a LangChain chat model: ``transformers:MODEL``, an id or a folder."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableParallel, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, PrivateAttr

from imagerag.chat_models.images import ImageLimit
from imagerag.chat_models.local.chat_template import template_turns
from imagerag.chat_models.plain_text import as_plain_turns
from imagerag.chat_models.reasoning import ReasoningFilter
from imagerag.chat_models.tool_call_parser import StreamFilter, read_calls, text_parameters
from imagerag.chat_models.usage_meter import current_meter
from imagerag.interruptible import TICK
from imagerag.prompts import render

MOST_NEW_TOKENS = 1024
"""Tokens of one answer, unless the caller says otherwise."""

SCHEMA = "response_schema"
"""Setting under which a call carries the JSON schema of its answer."""

ENDINGS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<turn|>", "<end_of_utterance>")
"""By which chat templates in use end a turn."""


class Piece(NamedTuple):
    """A piece of an answer: what is said in it, what is only thought; of the last one, its cost and why it ended."""

    said: str
    thought: str
    usage: UsageMetadata | None = None
    ended: str | None = None
    logprobs: list[dict[str, Any]] | None = None


@dataclass
class _Writing:
    """What the thread that writes an answer and the one that reads it tell each other."""

    hung_up: threading.Event
    prompt: str = ""
    asked: int = 0
    made: int = 0
    logprobs: list[dict[str, Any]] | None = None
    error: BaseException | None = None


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

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Hold answers to a JSON schema: told to the model in words, and kept to by a grammar while it writes.

        With ``method="function_calling"``, as a tool call that nothing holds it to.
        """
        if kwargs.pop("method", "json_schema") != "json_schema":
            return super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        asked = self.bind(**{SCHEMA: convert_to_json_schema(schema)})
        parser: Any = JsonOutputParser()
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            parser = PydanticOutputParser(pydantic_object=schema)
        told: Runnable[LanguageModelInput, Any] = asked | parser
        if not include_raw:
            return told
        parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
        unparsed = RunnablePassthrough.assign(parsed=lambda _: None)
        told = RunnableParallel(raw=asked) | parsed.with_fallbacks([unparsed], exception_key="parsing_error")
        return told

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        pieces = list(self._pieces(messages, stop, kwargs))
        reading = read_calls("".join(piece.said for piece in pieces), text_parameters(kwargs.get("tools") or []))
        thought = "".join(piece.thought for piece in pieces)
        message = AIMessage(
            reading.text,
            tool_calls=reading.calls,
            usage_metadata=pieces[-1].usage,
            additional_kwargs={"reasoning_content": thought} if thought else {},
            response_metadata={"finish_reason": pieces[-1].ended, "model_name": self.name_or_path},
        )
        if pieces[-1].logprobs is not None:
            message.response_metadata["logprobs"] = {"content": pieces[-1].logprobs}
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Stream words as they are written, calls when they are whole; what may yet become a call waits for the end."""
        known = text_parameters(kwargs.get("tools") or [])
        talk = StreamFilter(known)
        for piece in self._pieces(messages, stop, kwargs):
            said = talk.part(piece.said)
            calls: list[ToolCall] = []
            if piece.ended:
                rest, calls = talk.end()
                said += rest
            if not (said or piece.thought or piece.ended):
                continue
            chunk = ChatGenerationChunk(
                message=AIMessageChunk(
                    content=said,
                    tool_call_chunks=[
                        tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=number)
                        for number, call in enumerate(calls)
                    ],
                    usage_metadata=piece.usage,
                    additional_kwargs={"reasoning_content": piece.thought} if piece.thought else {},
                    response_metadata={"finish_reason": piece.ended, "model_name": self.name_or_path}
                    if piece.ended
                    else {},
                )
            )
            if run_manager:
                run_manager.on_llm_new_token(said, chunk=chunk)
            yield chunk

    def _pieces(self, messages: list[BaseMessage], stop: list[str] | None, settings: dict[str, Any]) -> Iterator[Piece]:
        """Yield the answer as it is written, at last with its tokens and why it ended.

        A thread of its own writes, and it alone holds the model: whoever leaves a stream open keeps nobody waiting for
        longer than that answer takes.
        """
        from transformers import TextIteratorStreamer

        check = current_meter().check_answering
        tokenizer = getattr(self._processor, "tokenizer", self._processor)
        streamer: Any = TextIteratorStreamer(tokenizer, skip_prompt=True, timeout=TICK, skip_special_tokens=False)
        writing = _Writing(threading.Event())
        writer = threading.Thread(target=self._write, args=(messages, stop, settings, streamer, writing), daemon=True)
        writer.start()
        thoughts: ReasoningFilter | None = None
        try:
            while True:
                check()
                try:
                    piece = next(streamer)
                except queue.Empty:
                    continue
                except StopIteration:
                    writer.join()
                    break
                thoughts = thoughts or ReasoningFilter(writing.prompt)
                yield Piece(*thoughts.part(_without_marks(piece, tokenizer)))
        finally:
            writing.hung_up.set()
        if writing.error is not None:
            raise writing.error
        usage = UsageMetadata(
            input_tokens=writing.asked, output_tokens=writing.made, total_tokens=writing.asked + writing.made
        )
        rest = (thoughts or ReasoningFilter()).part("", last=True)
        yield Piece(*rest, usage, "length" if writing.made >= _most(settings) else "stop", writing.logprobs)

    def _write(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        settings: dict[str, Any],
        streamer: Any,
        told: _Writing,
    ) -> None:
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        from imagerag.chat_models.local.token_logprobs import TopLogprobs

        class HungUp(StoppingCriteria):
            def __call__(self, ids: Any, scores: Any, **_: Any) -> Any:
                return torch.full((ids.shape[0],), told.hung_up.is_set(), dtype=torch.bool, device=ids.device)

        try:
            with self._lock, torch.no_grad():
                if told.hung_up.is_set():  # while it waited for its turn
                    return
                if schema := settings.get(SCHEMA):
                    messages = [*messages, HumanMessage(render("shape.j2", schema=json.dumps(schema)))]
                inputs, told.prompt = self._inputs(messages, settings.get("tools") or [])
                told.asked = int(inputs["input_ids"].shape[-1])
                held = self._holding(schema, told.prompt)
                likely = TopLogprobs(int(settings.get("top_logprobs") or 1)) if settings.get("logprobs") else None
                ids = self._model.generate(
                    **inputs,
                    max_new_tokens=_most(settings),
                    do_sample=False,
                    streamer=streamer,
                    stopping_criteria=StoppingCriteriaList([HungUp()]),
                    logits_processor=[*held, *([likely] if likely else [])],
                    **({"stop_strings": stop, "tokenizer": streamer.tokenizer} if stop else {}),
                )
                told.made = int(ids.shape[-1]) - (0 if self._model.config.is_encoder_decoder else told.asked)
                if likely is not None:
                    told.logprobs = likely.told(ids[0, int(ids.shape[-1]) - told.made :], streamer.tokenizer)
        except BaseException as error:
            told.error = error
        finally:
            streamer.end()

    def _holding(self, schema: dict[str, Any] | None, prompt: str) -> Any:
        """Return what holds the answer to a schema, if there is one, and the checkpoint's tokenizer can be held."""
        from imagerag.chat_models.local.grammar import SchemaConstraint, supports_grammar

        tokenizer = getattr(self._processor, "tokenizer", self._processor)
        if not (schema and supports_grammar(tokenizer)):
            return []
        ending = self._model.generation_config.eos_token_id
        endings = (ending,) if isinstance(ending, int) else tuple(ending or ())
        vocabulary = self._model.config.get_text_config().vocab_size
        return [SchemaConstraint(tokenizer, schema, vocabulary, endings, prompt)]

    def _inputs(self, messages: list[BaseMessage], tools: list[dict[str, Any]]) -> tuple[Any, str]:
        """Return the question as tensors, and as the text that they stand for."""
        text, images = self._rendered(messages, tools)
        if self.takes_images:
            # As transformers itself does it: what the template has begun, the tokenizer begins no second time.
            begins = self._processor.tokenizer.bos_token
            written = {"add_special_tokens": False} if begins and text.startswith(begins) else {}
            inputs = self._processor(text=[text], images=images or None, return_tensors="pt", **written)
        else:
            inputs = self._processor([text], return_tensors="pt", add_special_tokens=False)
        return inputs.to(self._model.device), text

    def _rendered(self, messages: list[BaseMessage], tools: list[dict[str, Any]]) -> tuple[str, list[Any]]:
        """Return the conversation as the checkpoint's template words it, and its images.

        Many templates leave tools out without a word, or refuse system turns, tool results, or two turns of one role:
        those get a conversation in which everything is said in plain, alternating turns.
        """
        from jinja2 import TemplateError

        def render(turns: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> str:
            return str(
                self._processor.apply_chat_template(turns, tools=tools, add_generation_prompt=True, tokenize=False)
            )

        turns, images = template_turns(messages, self.takes_images)
        try:
            text = render(turns, tools or None)
            if not tools or text != render(turns, None):
                return text, images
        except TemplateError:
            pass  # it says what it doesn't take; the plain turns below need none of that
        turns, images = template_turns(as_plain_turns(messages, tools), self.takes_images)
        return render(turns, None), images


def _most(settings: dict[str, Any]) -> int:
    return int(settings.get("max_tokens") or MOST_NEW_TOKENS)


def _without_marks(text: str, tokenizer: Any) -> str:
    """Return text without the tokens that only end it; those around tool calls stay, to be read."""
    for mark in (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token, *ENDINGS):
        if mark:
            text = text.replace(mark, "")
    return text
