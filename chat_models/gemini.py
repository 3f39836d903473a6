"""Gemini's chat models with the log-probabilities that LangChain's integration leaves out of its answers."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

from langchain_core.outputs import ChatResult
from langchain_google_genai import ChatGoogleGenerativeAI

_answer: ContextVar[Any] = ContextVar("imagerag_gemini_answer", default=None)
"""The last answer that the client gave in this context, as it came."""


class ChatGemini(ChatGoogleGenerativeAI):  # type: ignore[misc]
    """A chat model of Google's whose answers tell log-probabilities, if they were asked for, as ``logprobs_result``."""

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        models: Any = self.client.models if self.client is not None else None
        if models is not None and not hasattr(models.generate_content, "__wrapped__"):
            models.generate_content = _keeping(models.generate_content)
        before = _answer.set(None)
        try:
            result: ChatResult = super()._generate(*args, **kwargs)
            candidates = getattr(_answer.get(), "candidates", None) or []
        finally:
            _answer.reset(before)
        for candidate, generation in zip(candidates, result.generations, strict=False):
            told = getattr(candidate, "logprobs_result", None)
            if told is not None:
                generation.message.response_metadata["logprobs_result"] = told.model_dump()
        return result


def _keeping(generate: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(generate)
    def kept(*args: Any, **kwargs: Any) -> Any:
        answer = generate(*args, **kwargs)
        _answer.set(answer)
        return answer

    return kept
