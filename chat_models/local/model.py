"""A checkpoint of transformers as a LangChain chat model: ``transformers:MODEL``, an id or a folder."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
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
from imagerag.chat_models.local.chat_template import rendered, tensors, without_marks
from imagerag.chat_models.reasoning import ReasoningFilter
from imagerag.chat_models.tool_call_parser import StreamFilter, read_calls, text_parameters
from imagerag.chat_models.usage_meter import current_meter
from imagerag.interruptible import TICK, run_interruptibly
from imagerag.prompts import render

MOST_NEW_TOKENS = 1024
"""Tokens of one answer, unless the caller says otherwise."""

SCHEMA = "response_schema"
"""Setting under which a call carries the JSON schema of its answer."""


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
        return ChatResult(generations=[ChatGeneration(message=self._message(pieces, kwargs.get("tools") or []))])

    def answer_together(self, conversations: Sequence[Sequence[BaseMessage]], **settings: Any) -> list[AIMessage]:
        """Answer several conversations in one pass of the model, ``LARGEST_BATCH`` of them at a time.

        The answers are those that each would get by itself, but for sums that differ in their last bits.

        Args:
            conversations: each with as many images as it likes.
            settings: of all of them, as for ``invoke``; no tools and no ``stop``.

        Raises:
            ValueError: the checkpoint, or one of these settings, takes one conversation at a time.
        """
        from imagerag.chat_models.local.rows import LARGEST_BATCH

        hung_up, check = threading.Event(), current_meter().check_answering
        answers: list[AIMessage] = []
        try:
            for start in range(0, len(conversations), LARGEST_BATCH):
                part = conversations[start : start + LARGEST_BATCH]
                answers += run_interruptibly(partial(self._write_rows, part, settings, hung_up), check)
        finally:
            hung_up.set()
        return answers

    def _message(self, pieces: Sequence[Piece], tools: Sequence[dict[str, Any]] = ()) -> AIMessage:
        """Return a whole answer; its last piece tells how it ended."""
        reading = read_calls("".join(piece.said for piece in pieces), text_parameters(tools))
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
        return message

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
                yield Piece(*thoughts.part(without_marks(piece, tokenizer)))
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
        from transformers import StoppingCriteriaList

        from imagerag.chat_models.local.grammar import held_to
        from imagerag.chat_models.local.rows import HungUp
        from imagerag.chat_models.local.token_logprobs import TopLogprobs

        try:
            with self._lock, torch.no_grad():
                if told.hung_up.is_set():  # while it waited for its turn
                    return
                inputs, told.prompt = self._inputs(_with_shape(messages, settings), settings.get("tools") or [])
                told.asked = int(inputs["input_ids"].shape[-1])
                held = held_to(settings.get(SCHEMA), self._model, self._processor, told.prompt)
                likely = TopLogprobs(int(settings.get("top_logprobs") or 1)) if settings.get("logprobs") else None
                ids = self._model.generate(
                    **inputs,
                    max_new_tokens=_most(settings),
                    do_sample=False,
                    streamer=streamer,
                    stopping_criteria=StoppingCriteriaList([HungUp(told.hung_up)]),
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

    def _write_rows(
        self, conversations: Sequence[Sequence[BaseMessage]], settings: dict[str, Any], hung_up: threading.Event
    ) -> list[AIMessage]:
        import torch
        from transformers import StoppingCriteriaList

        from imagerag.chat_models.local.grammar import endings_of, held_to
        from imagerag.chat_models.local.rows import HungUp, RowProcessors, written
        from imagerag.chat_models.local.token_logprobs import TopLogprobs

        tokenizer = getattr(self._processor, "tokenizer", self._processor)
        if self._model.config.is_encoder_decoder or tokenizer.pad_token is None or {"tools", "stop"} & set(settings):
            raise ValueError("the checkpoint takes one conversation at a time")
        with self._lock, torch.no_grad():
            if hung_up.is_set():  # while it waited for its turn
                return []
            worded = [
                rendered(self._processor, _with_shape(list(one), settings), [], self.takes_images)
                for one in conversations
            ]
            texts = [text for text, _ in worded]
            inputs = tensors(self._processor, texts, [images for _, images in worded], self.takes_images)
            inputs = inputs.to(self._model.device)
            asked, width = inputs["attention_mask"].sum(-1).tolist(), int(inputs["input_ids"].shape[-1])
            most = int(settings.get("top_logprobs") or 1)
            likely = [TopLogprobs(most) for _ in texts] if settings.get("logprobs") else []
            endings = endings_of(self._model)
            held = [held_to(settings.get(SCHEMA), self._model, self._processor, text) for text in texts]
            rows: list[list[Any]] = [[*one, *likely[at : at + 1]] for at, one in enumerate(held)]
            ids = self._model.generate(
                **inputs,
                max_new_tokens=_most(settings),
                do_sample=False,
                stopping_criteria=StoppingCriteriaList([HungUp(hung_up)]),
                logits_processor=[RowProcessors(rows, endings)],
            )
        answers = []
        for at, text in enumerate(texts):
            new = written(ids[at, width:], endings)
            usage = UsageMetadata(input_tokens=asked[at], output_tokens=len(new), total_tokens=asked[at] + len(new))
            thoughts = ReasoningFilter(text)
            said = thoughts.part(without_marks(tokenizer.decode(new), tokenizer))
            told = likely[at].told(new, tokenizer) if likely else None
            ended = "length" if len(new) >= _most(settings) else "stop"
            answers.append(self._message([Piece(*said), Piece(*thoughts.part("", last=True), usage, ended, told)]))
        return answers

    def _inputs(self, messages: list[BaseMessage], tools: list[dict[str, Any]]) -> tuple[Any, str]:
        """Return the question as tensors, and as the text that they stand for."""
        text, images = rendered(self._processor, messages, tools, self.takes_images)
        return tensors(self._processor, [text], [images], self.takes_images).to(self._model.device), text


def _with_shape(messages: list[BaseMessage], settings: dict[str, Any]) -> list[BaseMessage]:
    """Return the conversation with the shape of its answer in words, where it has one."""
    schema = settings.get(SCHEMA)
    return [*messages, HumanMessage(render("shape.j2", schema=json.dumps(schema)))] if schema else messages


def _most(settings: dict[str, Any]) -> int:
    return int(settings.get("max_tokens") or MOST_NEW_TOKENS)
