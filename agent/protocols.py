"""The minds beside the chat model: a critic, a writer, a re-ranker; and what each must promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from imagerag.records import ConceptScore, Verdict


class Critic(Protocol):
    """Judges images against a prompt; the graph asks it about every image made."""

    @property
    def name(self) -> str:
        """The name by which ``--critic`` finds it; part of every verdict."""

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """Return one verdict per image, in order; scores are comparable across calls for the same prompt."""

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """Return, per concept, whether that image shows it; whatever its prompt was."""


@dataclass(frozen=True)
class PastImage:
    """What the writer may know of an image made earlier in the thread."""

    id: str
    prompt: str
    turn: int


@dataclass(frozen=True)
class Brief:
    """What a turn asks for, on its own.

    Attributes:
        prompt: the whole picture, with earlier turns taken into account.
        base: id of the earlier image the request starts from, whose references serve again; ``None`` for a new one.
        keep_seed: draw it under the earlier image's seed, so that what doesn't change stays as it is.
    """

    prompt: str
    base: str | None = None
    keep_seed: bool = True


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
