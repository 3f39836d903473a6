"""Answers to what is no request for a picture, from the record of the thread: prompts, verdicts and endings."""

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from imagerag.agent.protocols import PastImage
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import Scene

MOST_NAMED = 6
"""Things or references that one answer names."""
LONGEST_QUOTED = 80
"""Characters of a request that an answer repeats."""
_COLOURS = ("blue", "red", "green", "yellow")


@lru_cache(maxsize=1)
def _said() -> dict[str, tuple[frozenset[str], tuple[str, ...]]]:
    data = tomllib.loads((Path(__file__).parent / "talk.toml").read_text(encoding="utf-8"))
    return {kind: (frozenset(said["exact"]), tuple(said["starts"])) for kind, said in data.items()}


def kind_of_talk(text: str, *, exactly: bool = True) -> str | None:
    """Return what kind of talk a text is, such as ``thanks`` or ``why``; ``None`` for what may be a request.

    Args:
        text: in lower case, without marks at its end.
        exactly: only what is nothing but talk; otherwise also what begins as talk does.
    """
    for kind, (exact, starts) in _said().items():
        if text in exact or (not exactly and text.startswith(starts)):
            return kind
    return None


def answer(kind: str, image: PastImage | None) -> str:
    """Answer talk of a kind, from the record of the image that stands.

    Args:
        kind: of ``talk.toml``.
        image: that the person sees; ``None`` where there is none yet.
    """
    if image is None:
        if kind == "bye":
            return "Goodbye."
        return 'Nothing is drawn yet. Say what to draw, for example "a lobster in a kimono".'
    scene = parse_scene(image.prompt)
    if kind in ("thanks", "applause"):
        return f"Glad to. {image.id} stays as it is. {offers(scene)}"
    if kind == "bye":
        return f"Goodbye. {image.id} and this conversation are kept."
    if kind == "greeting":
        return f"Hello. The picture at hand is {image.id}, {image.prompt!r}. {offers(scene)}"
    if kind == "dislike":
        return f"{image.id} stays as it is until you say what to change. {_seen(image)} {offers(scene)}"
    if kind == "what":
        return f"{image.id} was drawn from {image.prompt!r}. {_seen(image)}"
    if kind == "why":
        return f"{_seen(image)} {_ending(image)}"
    if kind == "tries":
        return f"{_tries(image)} {_ending(image)}"
    if kind == "references":
        return _references(image)
    if kind == "seed":
        return f"{image.id} was drawn with seed {image.seed}." if image.seed is not None else _seen(image)
    return f"I draw pictures, change them, and answer from their record. {offers(scene)}"


def not_understood(part: str, image: PastImage, why: str = "") -> str:
    """Say what was not understood, or why it can't be done, and what can be said of this picture."""
    short = part if len(part) <= LONGEST_QUOTED else part[: LONGEST_QUOTED - 3] + "..."
    scene = parse_scene(image.prompt)
    told = f"{why[0].upper()}{why[1:]}." if why else f"I don't understand {short!r} as a change of this picture."
    return f"{told} Nothing was drawn, and {image.id} stays as it is. {_shows(scene)}{offers(scene)}"


def _shows(scene: Scene) -> str:
    things = scene.content_concepts()[:MOST_NAMED]
    return f"It shows: {', '.join(things)}. " if things else ""  # "a snow" and "a sunglasses" are no English


def offers(scene: Scene) -> str:
    """Return examples of what can be said, made of the things in the picture."""
    if not scene.objects:
        return 'You can say, for example, "now draw a cat", "another one" or "undo".'
    first, last = scene.objects[0], scene.objects[-1]
    colour = next(one for one in _COLOURS if one != first.colour)
    examples = [f"make the {first.phrase} {colour}", f"put a hat on the {first.phrase}"]
    if len(scene.objects) > 1:
        examples.append(f"remove the {last.phrase}")
    examples += ["another one", "undo", "now draw a cat" if first.phrase != "cat" else "now draw a dog"]
    return "You can say, for example, " + ", ".join(f'"{one}"' for one in examples) + "."


def _seen(image: PastImage) -> str:
    if image.score is None:
        return f"{image.id} was not judged."
    told = f"The critic gives {image.id} {image.score:.2f}"
    if image.present:
        told += f"; it sees {', '.join(image.present[:MOST_NAMED])}"
    return told + (
        f"; it misses {', '.join(image.missing[:MOST_NAMED])}." if image.missing else "; nothing is missing."
    )


def _tries(image: PastImage) -> str:
    times = "one drawing" if image.drawings == 1 else f"{image.drawings} drawings"
    return f"It took {times} to get to {image.id}."


def _ending(image: PastImage) -> str:
    return f"The run ended there because {image.ending}." if image.ending else ""


def _references(image: PastImage) -> str:
    if not image.references:
        return f"{image.id} was drawn from words alone, with nothing looked up."
    return f"{image.id} was drawn with {', '.join(image.references[:MOST_NAMED])}."


def listed(images: Sequence[PastImage]) -> str:
    """Name images with what they are of."""
    return ", ".join(f"{image.id} ({image.prompt})" for image in images[-MOST_NAMED:])
