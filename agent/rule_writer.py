"""The embedded writer: captions and rephrased prompts by rule, without a language model."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property

from imagerag.agent.caption_wording import caption_forms, with_article
from imagerag.agent.follow_up.reading import FollowUps
from imagerag.agent.prompt_reading import PromptReader
from imagerag.agent.protocols import Brief, PastImage
from imagerag.errors import UserError
from imagerag.generators.base import ImageKind
from imagerag.prompt_grammar.parser import parse_scene


class RuleWriter:
    """Writes by rule and says no more than it knows.

    Args:
        names: names that the scene grammar keeps whole, such as "cup of tea"; called when first needed.
        kind: of the pictures that its captions are to find.
        reader: of requests that aren't plain English; without one they are taken as they are.
    """

    def __init__(
        self,
        names: Callable[[], Collection[str]] = frozenset,
        kind: ImageKind = "pictograms",
        reader: PromptReader | None = None,
    ) -> None:
        self._load_names = names
        self._kind = kind
        self._reader = reader

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._load_names())

    def captions(self, prompt: str, concepts: Sequence[str], per_concept: int) -> dict[str, list[str]]:
        """Return captions that stand alone, as ``caption_wording`` words them, the best to search with first."""
        return {concept: caption_forms(concept, prompt, self._kind, per_concept) for concept in concepts}

    def rephrase(self, prompt: str, missing: Sequence[str]) -> str:
        """Return the prompt with the missing things first and large.

        A prompt for anything but pictograms is kept whole behind them: it says how things stand to each other, in what
        light and through which lens, which is no part of a scene.
        """
        scene = parse_scene(prompt, self._names)
        front = [thing.phrase for thing in scene.objects if thing.phrase in missing]
        rest = [thing.phrase for thing in scene.objects if thing.phrase not in missing]
        if self._kind != "pictograms":
            return ", ".join([*(with_article(f"large {phrase}") for phrase in front), prompt])
        if not front:
            return scene.describe() or prompt
        tail = "".join(f" and a {phrase}" for phrase in rest)
        return " and ".join(f"a large {phrase}" for phrase in front) + tail

    def brief(self, request: str, history: Sequence[PastImage]) -> Brief:
        """See ``imagerag.agent.follow_up``.

        Raises:
            UserError: it points back at an image, and the thread has none; or it says only what is not to be seen.
        """
        brief = self._brief(request, history)
        said = next((image for image in reversed(history) if _same_words(image.prompt, request)), None)
        if said is None or (not brief.answer and _same_words(brief.prompt, request)):
            return brief
        # All words of a picture of this thread are no change of it: "a dog and a cat", said again, adds no dog.
        told = f"{said.prompt!r} is what {said.id} was drawn from, so that is drawn anew with another seed"
        return Brief(said.prompt, said.id, keep_seed=False, notes=(told,))

    def _brief(self, request: str, history: Sequence[PastImage]) -> Brief:
        if self._reader is None:
            return self._follow_ups.brief(request, history)
        english: Brief | None = None
        if history and request.isascii():
            # Words that read as a change in English are no words of another language.
            brief = self._follow_ups.brief(request, history)
            changed = brief.base is not None and not brief.answer
            if changed or (brief.answer and not brief.declined):
                return brief
            english = brief if brief.declined else None
        read = self._reader.read(request)
        brief = self._follow_ups.brief(read.text, history)
        if brief.declined and english is not None:
            # What is understood in neither way is told in the words that were typed.
            return english if _is_english(request) else replace(english, notes=(*read.notes, *english.notes))
        if brief.answer:
            return replace(brief, notes=(*read.notes, *brief.notes))
        scene = parse_scene(brief.prompt, self._names)
        if scene.absent and not scene.objects:
            raise UserError(
                f"{request!r} says only what is not to be seen; say what to draw, for example: a park, {request}"
            )
        near = self._reader.did_you_mean(brief.prompt, self._names) if self._kind == "pictograms" else []
        return replace(brief, notes=(*read.notes, *brief.notes, *near))

    @cached_property
    def _follow_ups(self) -> FollowUps:
        from imagerag.index.captions import common_names

        return FollowUps(self._names, common_names, talk_only=self._kind != "pictograms")


def _same_words(prompt: str, request: str) -> bool:
    return prompt.casefold().split() == request.casefold().rstrip(".!").split()


def _is_english(request: str) -> bool:
    """Tell whether all words of a request are common English ones."""
    from imagerag.assets.english_words import english_words

    return all(word in english_words() for word in re.findall(r"[a-z]+", request.lower()))
