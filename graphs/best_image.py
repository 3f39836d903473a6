"""Which image of a turn is the best: a worse one is kept in the history and never returned."""

from collections.abc import Sequence

from imagerag.agent.own_things import with_own_things
from imagerag.agent.protocols import Compares
from imagerag.graphs.components import Components
from imagerag.records import ImageRecord, ReferenceRecord
from imagerag.tools.engines import open_pixels, pictures_of_own


def best_of(images: list[ImageRecord]) -> ImageRecord | None:
    """Return the judged image with the highest score; of equals, the first made."""
    judged = [record for record in images if record["score"] is not None]
    return max(judged, key=lambda record: record["score"] or 0.0, default=None)


def best_among(
    images: Sequence[ImageRecord],
    components: Components,
    prompt: str,
    subjects: Sequence[ReferenceRecord] = (),
) -> ImageRecord | None:
    """Return the judged image that the critic finds best; of equals, the first made.

    Scores of two critics don't compare, nor those of two ways in which a chat model's probabilities came about. Where
    the one that stands in had to judge some of the images, it is asked about all of them; an image with which the
    critic itself is satisfied is better than those.

    Args:
        images: with their verdicts.
        components: of the graph.
        prompt: of the whole picture.
        subjects: the person's own images, by which the one that stands in judges what they show.
    """
    verdicts = [(record, record["verdict"]) for record in images if record["verdict"] is not None]
    if len({(verdict["critic"], verdict.get("way")) for _, verdict in verdicts}) < 2:
        return best_of(list(images))
    for record, verdict in verdicts:
        if verdict["satisfied"] and verdict["critic"] == components.critic.name:
            return record
    stand_in = getattr(components.critic, "stand_in", components.critic)
    pixels, own = [open_pixels(components, record) for record, _ in verdicts], pictures_of_own(components, subjects)
    again = [
        with_own_things(verdict, stand_in, image, own)
        for verdict, image in zip(stand_in.judge(pixels, prompt), pixels, strict=True)
    ]
    return max(zip(again, verdicts, strict=True), key=lambda pair: pair[0]["score"])[1][0]


TIE = 0.005
"""Difference of scores, 0..1, within which two images are as good as each other: verdicts are told to two decimals."""
MOST_COMPARISONS = 3
"""Images that are compared with the best one after one drawing; each comparison is two questions."""


def settle_tie(best: ImageRecord, judged: Sequence[ImageRecord], components: Components, prompt: str) -> ImageRecord:
    """Return the best image, or one of those just judged that scores the same and that the critic likes better.

    Only a critic that can compare two images is asked, and only about images that it has judged itself.
    """
    critic = components.critic
    if not isinstance(critic, Compares):
        return best
    ties = [
        record
        for record in judged
        if record["id"] != best["id"] and _tied(record, best) and _by(record, critic.name) and _by(best, critic.name)
    ]
    for record in ties[:MOST_COMPARISONS]:
        pictures = [open_pixels(components, one) for one in (best, record)]
        if critic.better(pictures[0], pictures[1], prompt) == 1:
            best = record
    return best


def _tied(one: ImageRecord, other: ImageRecord) -> bool:
    return abs((one["score"] or 0.0) - (other["score"] or 0.0)) <= TIE and _way(one) == _way(other)


def _by(record: ImageRecord, critic: str) -> bool:
    return record["verdict"] is not None and record["verdict"]["critic"] == critic


def _way(record: ImageRecord) -> str | None:
    return record["verdict"].get("way") if record["verdict"] is not None else None
