"""Reading one follow-up, with a handful of names: what tests of each kind of change share."""

from collections.abc import Sequence

from imagerag.agent.follow_up.reading import FollowUps
from imagerag.agent.protocols import Brief, PastImage

NAMES = frozenset(
    [
        *("dog", "cat", "owl", "hat", "crown", "scarf", "ball", "tree", "robot", "guitar", "boat", "moon", "castle"),
        *("penguin", "bird", "red apple", "necktie", "pizza", "rose", "house with garden", "balloon", "rocket", "frog"),
        *("mouse", "lion", "star", "croissant", "teapot", "lobster"),
    ]
)


def read(request: str, prompt: str = "a dog", before: Sequence[str] = ()) -> Brief:
    """Return what a request means while the picture of ``prompt`` stands, made after those of ``before``."""
    prompts = [*before, prompt]
    history = [PastImage(f"image-{k}", each, k, standing=k == len(prompts)) for k, each in enumerate(prompts, start=1)]
    if before:
        last = history[-1]
        history[-1] = PastImage(last.id, last.prompt, last.turn, standing=True, before=history[-2].id)
    return FollowUps(NAMES).brief(request, history)


def changed(request: str, prompt: str = "a dog", before: Sequence[str] = ()) -> str:
    """Return the prompt of the changed picture; empty where nothing would be drawn, or a picture that is new."""
    brief = read(request, prompt, before)
    return "" if brief.answer or brief.base is None else brief.prompt
