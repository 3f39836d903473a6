"""A person's own things: judged by the pictures sent of them, since no model knows their names."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from PIL import Image

from imagerag.agent.protocols import Critic
from imagerag.records import ConceptScore, Verdict


@runtime_checkable
class KnowsPictures(Protocol):
    """A critic that can tell whether an image shows what is in certain pictures."""

    def shows(self, image: Image.Image, pictures: Sequence[Image.Image], concept: str) -> ConceptScore | None:
        """Return whether an image shows what the pictures show.

        Args:
            image: that is judged.
            pictures: of the thing, at least one.
            concept: what it is called in the score.

        Returns:
            ``None`` where the critic has nothing to compare with.
        """


@runtime_checkable
class SeesBeside(Protocol):
    """A critic that can be shown pictures beside the image that it judges."""

    def beside(self, pictures: Mapping[str, Sequence[Image.Image]]) -> Critic:
        """Return this critic with pictures of things, by what the prompt calls them, shown to it with each image."""


def shown_beside(critic: Critic, pictures: Mapping[str, Sequence[Image.Image]]) -> Critic:
    """Return the critic that judges with a person's pictures before it; the same where it takes none.

    Args:
        critic: of the run.
        pictures: of the person's things, by what the prompt calls them.
    """
    return critic.beside(pictures) if pictures and isinstance(critic, SeesBeside) else critic


def with_own_things(
    verdict: Verdict, critic: object, image: Image.Image, pictures: Mapping[str, Sequence[Image.Image]]
) -> Verdict:
    """Return a verdict in which a person's own things are judged by their pictures instead of by their names.

    Args:
        verdict: of the critic, on all that the prompt asks for.
        critic: that may know pictures; of any other the verdict stays as it is.
        image: that was judged.
        pictures: of the things, by what the prompt calls them.
    """
    if not isinstance(critic, KnowsPictures):
        return verdict
    seen = {
        score["concept"]: found
        for score in verdict["concepts"]
        if score["kind"] == "content"
        and (sent := pictures.get(score["concept"]))
        and (found := critic.shows(image, sent, score["concept"])) is not None
    }
    if not seen:
        return verdict
    scores = [
        seen.get(score["concept"], score) if score["kind"] == "content" else score for score in verdict["concepts"]
    ]
    missing = [score["concept"] for score in scores if not score["present"]]
    counted: Verdict = {
        **verdict,
        "satisfied": not missing,
        "score": round(sum(score["score"] for score in scores) / len(scores), 4),
        "concepts": scores,
        "missing": missing,
    }
    return counted
