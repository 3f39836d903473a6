"""Small real parts with scripted outputs, for tests of the loop itself: they raise when the script runs out."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from PIL import Image

from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest
from imagerag.records import ConceptScore, Verdict

STEPS = 4


class Squares:
    """Draws a plain square whose colour tells the seed; counts what it was asked for."""

    name, revision, max_references, makes = "squares", "1", 3, "pictograms"

    def __init__(self, before_step: Callable[[int], None] = lambda step: None) -> None:
        self.requests: list[DrawRequest] = []
        self.steps_done = 0
        self._before_step = before_step

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        self.requests.append(request)
        for step in range(1, STEPS + 1):
            self._before_step(step)
            control.check()
            self.steps_done += 1
            control.step(step, STEPS)
            if step == 2:
                control.preview(Image.new("RGB", (300, 200), "grey"))
        return [
            Drawing(Image.new("RGB", (16, 16), (seed % 256, len(request.references), 9)), seed)
            for seed in request.seeds
        ]


class ScriptedCritic:
    """Gives the scores of its script, image by image; an image is satisfying from 0.8 on."""

    name = "scripted"

    def __init__(
        self, scores: Iterable[float], concepts: Sequence[str] = ("owl",), *, uncalibrated: bool = False
    ) -> None:
        self._scores = iter(scores)
        self._concepts = concepts
        self._uncalibrated = uncalibrated
        self.judged = 0

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        return [self._verdict(next(self._scores)) for _ in images]

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        return [{"concept": concept, "kind": "content", "present": True, "score": 0.9} for concept in concepts]

    def _verdict(self, score: float) -> Verdict:
        self.judged += 1
        present = score >= 0.8
        concepts: list[ConceptScore] = [
            {"concept": concept, "kind": "content", "present": present, "score": score} for concept in self._concepts
        ]
        missing = [] if present else list(self._concepts)
        verdict: Verdict = {
            "satisfied": present,
            "score": score,
            "concepts": concepts,
            "missing": missing,
            "critic": self.name,
        }
        if self._uncalibrated:
            verdict["uncalibrated"] = True
        return verdict


class ScriptedModel(BaseChatModel):
    """Answers with its script, one entry a call: a text, or a list of (tool name, arguments)."""

    script: list[Any]
    seen: list[list[BaseMessage]]
    offered: list[list[str]]
    tokens: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        self.offered.append([tool.name for tool in tools])
        return self.bind()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.seen.append(messages)
        entry = self.script[len(self.seen) - 1]
        calls = [
            {"name": name, "args": arguments, "id": uuid4().hex, "type": "tool_call"}
            for name, arguments in (entry if isinstance(entry, list) else [])
        ]
        answer = AIMessage(entry if isinstance(entry, str) else "", tool_calls=calls)
        if self.tokens:
            answer.usage_metadata = {"input_tokens": self.tokens, "output_tokens": 0, "total_tokens": self.tokens}
        return ChatResult(generations=[ChatGeneration(message=answer)])


class SquaresThatFail(Squares):
    """Raises the error instead of drawing, from the second drawing on where that is asked for."""

    def __init__(self, error: Exception, fails: Callable[[DrawRequest], bool], spared: int = 1) -> None:
        super().__init__()
        self._error, self._fails, self._spared = error, fails, spared

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        if len(self.requests) >= self._spared and self._fails(request):
            self.requests.append(request)
            raise self._error
        return super().draw(request, control)
