"""The roles of the loop: a driver, a critic, a writer, a re-ranker; and what each must promise."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from PIL import Image

from imagerag.generators.base import REFERENCE_SCALES
from imagerag.records import ConceptScore, ImageRecord, Verdict


@dataclass(frozen=True)
class TurnFacts:
    """What a program that drives is told of the turn, as data.

    Attributes:
        prompt: the whole picture that is wanted, in words.
        tools: the names of the tools on offer; no other one may be called.
        base: the earlier image that the turn starts from, if any.
        subjects: ids of the user's own images.
        references: every reference of the thread: id -> concept.
        keep_seed: draw under the seed of ``base``; otherwise another variant of it is wanted.
        max_references: how many references the generator takes in one drawing.
        reference_scales: 0..1, of the first, second ... and every later redraw of a concept.
    """

    prompt: str
    tools: frozenset[str]
    base: ImageRecord | None = None
    subjects: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    keep_seed: bool = True
    max_references: int = 4
    reference_scales: tuple[float, ...] = REFERENCE_SCALES


class ProgramDriver(ABC):
    """Decides by program instead of by a chat model: it reads records, and needs neither a prompt nor pixels."""

    @abstractmethod
    def decide(self, facts: TurnFacts, messages: Sequence[BaseMessage]) -> AIMessage:
        """Return the next tool calls, or a last word without any.

        Args:
            facts: of the turn.
            messages: of the thread: requests, tool results with their artifacts, and the critic's reports, whose
                ``additional_kwargs`` hold the judged ``image`` and the id of the ``best`` one.
        """


Driver = BaseChatModel | ProgramDriver
"""What decides which tools are called."""


class Critic(Protocol):
    """Judges images against a prompt; the graph asks it about every image made."""

    @property
    def name(self) -> str:
        """The name by which ``--critic`` finds it; part of every verdict."""

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """Return one verdict per image, in order; scores are comparable across calls for the same prompt."""

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """Return, per concept, whether that image shows it; whatever its prompt was."""


@runtime_checkable
class Compares(Protocol):
    """A critic that can tell which of two images is the better one where its scores do not."""

    def better(self, first: Image.Image, second: Image.Image, prompt: str) -> int | None:
        """Return 0 or 1, the better of both; ``None`` where it has no firm opinion."""


@dataclass(frozen=True)
class PastImage:
    """What the writer may know of an image made earlier in the thread.

    Attributes:
        id, prompt, turn: of the image.
        returned: a turn returned it, or showed it again: it is one of those that a person counts.
        standing: the person sees it now, and a change goes on from it; ``None`` where that isn't told, and the last one
            that was returned stands.
        before, after: ids of the images that "undo" and "redo" lead to; told of the standing one.
        declined: the last request that was not understood while it stood; told of the standing one.
        seed, score: of the drawing and of its verdict, 0..1.
        present, missing: concepts that the critic sees, and does not.
        references: titles of what it was drawn with.
        drawings: images that its turn made up to it.
        ending: in words, why its turn ended.
    """

    id: str
    prompt: str
    turn: int
    returned: bool = True
    standing: bool | None = None
    before: str | None = None
    after: str | None = None
    declined: str = ""
    seed: int | None = None
    score: float | None = None
    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    drawings: int = 1
    ending: str = ""


@dataclass(frozen=True)
class Brief:
    """What a turn asks for, on its own: a new picture, a change of an earlier one, or, with an ``answer``, words alone.

    Attributes:
        prompt: the whole picture, with earlier turns taken into account; of an answer, that of the picture that stands.
        base: id of the earlier image the request starts from, whose references serve again; ``None`` for a new one. Of
            an answer, the image that stands from then on; ``None`` for none.
        keep_seed: draw it under the earlier image's seed, so that what doesn't change stays as it is.
        answer: what is said instead of drawing; empty where something is to be drawn.
        candidates: how many images each drawing of the turn makes; ``None`` leaves that to the settings.
        step: of an answer, by how many results the thread goes back (-1, "undo") or forward (1, "redo").
        notes: sentences for the person on how the request was read.
        declined: whether the answer says that the request is not understood, or can't be done.
    """

    prompt: str
    base: str | None = None
    keep_seed: bool = True
    answer: str = ""
    candidates: int | None = None
    step: int = 0
    notes: tuple[str, ...] = ()
    declined: bool = False


class Writer(Protocol):
    """Words captions, rephrased prompts, and what a follow-up request means."""

    def captions(self, prompt: str, concepts: Sequence[str], per_concept: int) -> dict[str, list[str]]:
        """Return stand-alone retrieval captions per concept, most literal first, at least one each."""

    def rephrase(self, prompt: str, missing: Sequence[str]) -> str:
        """Return the prompt reworded so that the missing concepts stand out; nothing is looked up."""

    def brief(self, request: str, history: Sequence[PastImage]) -> Brief:
        """Return what ``request`` means after the images in ``history``, oldest first.

        Raises:
            UserError: it points back at an image that the history, which may be empty, does not have.
        """


class Reranker(Protocol):
    """Puts what was looked up in a better order."""

    def rerank(
        self, captions: Sequence[str], candidates: Sequence[Sequence[Image.Image]], subjects: Sequence[Image.Image]
    ) -> list[list[int]]:
        """Return for each caption the places of those candidates that are of use, best first.

        Args:
            captions: what was looked for.
            candidates: for each what was found, best first.
            subjects: the user's own images, of which there may be none.
        """
