"""The embedded writer: captions and rephrased prompts by rule, without a language model."""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property

from imagerag.agent.caption_wording import caption_forms
from imagerag.agent.follow_up.reading import FollowUps
from imagerag.agent.protocols import Brief, PastImage
from imagerag.generators.base import ImageKind
from imagerag.prompt_grammar.parser import parse_scene


class RuleWriter:
    """Writes by rule and says no more than it knows.

    Args:
        names: names that the scene grammar keeps whole, such as "cup of tea"; called when first needed.
        kind: of the pictures that its captions are to find.
    """

    def __init__(self, names: Callable[[], Collection[str]] = frozenset, kind: ImageKind = "pictograms") -> None:
        self._load_names = names
        self._kind = kind

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._load_names())

    def captions(self, prompt: str, concepts: Sequence[str], per_concept: int) -> dict[str, list[str]]:
        """Return captions that stand alone, as ``caption_wording`` words them, the best to search with first."""
        return {concept: caption_forms(concept, prompt, self._kind, per_concept) for concept in concepts}

    def rephrase(self, prompt: str, missing: Sequence[str]) -> str:
        """Return the prompt with the missing things first and large."""
        scene = parse_scene(prompt, self._names)
        front = [thing.phrase for thing in scene.objects if thing.phrase in missing]
        rest = [thing.phrase for thing in scene.objects if thing.phrase not in missing]
        if not front:
            return scene.describe() or prompt
        tail = "".join(f" and a {phrase}" for phrase in rest)
        return " and ".join(f"a large {phrase}" for phrase in front) + tail

    def brief(self, request: str, history: Sequence[PastImage]) -> Brief:
        """See ``imagerag.agent.follow_up``.

        Raises:
            UserError: it points back at an image, and the thread has none.
        """
        return self._follow_ups.brief(request, history)

    @cached_property
    def _follow_ups(self) -> FollowUps:
        from imagerag.index.captions import common_names

        return FollowUps(self._names, common_names)
